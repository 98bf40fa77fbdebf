// Deleting a domain: after its name was typed, and after it was said how many live sessions that ends.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Card, Flex, Form, Input, Modal, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { Refused } from "@/parts/refused";
import { useLogin } from "@/shell/session";
import { domainKey, liveSessions, settingsOf, useDomain } from "./domain";
import { inWords } from "./units";

export function DeleteDomain() {
  const { t } = useTranslation(["configure", "common"]);
  const { name, data, etag, reload } = useDomain();
  const { message } = App.useApp();
  const mayWrite = useLogin().may_write;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const live = useQuery({
    queryKey: ["live-sessions", name],
    enabled: open,
    queryFn: () => liveSessions(name),
    gcTime: 0,
  });
  const remove = useMutation({
    mutationFn: () =>
      got(api.DELETE("/v1/domains/{domain}", { params: { path: { domain: name }, header: { "if-match": etag } } })),
    onSuccess: async () => {
      message.success(t("delete.done", { name }));
      await navigate("/domains");
      queries.removeQueries({ queryKey: domainKey(name) });
      await queries.invalidateQueries({ queryKey: ["domains"] });
    },
  });
  const websocket = settingsOf(data).websocket;
  const sure = typed.trim() === data.name;
  const close = () => {
    setOpen(false);
    setTyped("");
    remove.reset();
  };
  return (
    <Card>
      <Flex justify="space-between" align="center" gap="middle" wrap>
        <div style={{ flex: "1 1 280px" }}>
          <Typography.Title level={2} style={{ fontSize: 16, margin: 0 }}>
            {t("delete.title")}
          </Typography.Title>
          <Typography.Text type="secondary">{t("delete.about")}</Typography.Text>
        </div>
        <Button danger disabled={!mayWrite} onClick={() => setOpen(true)}>
          {t("delete.do")}
        </Button>
      </Flex>
      <Modal
        open={open}
        title={t("delete.sure", { name: data.name })}
        okText={t("delete.do")}
        okButtonProps={{ danger: true, disabled: !sure, loading: remove.isPending }}
        cancelText={t("common:cancel")}
        onCancel={close}
        onOk={() => remove.mutate()}
      >
        <Refused error={remove.error} onReload={() => void reload().then(() => remove.reset())} />
        <Typography.Paragraph strong role="status">
          {live.data === undefined
            ? t("danger.counting")
            : live.data === null
              ? t("danger.live-unknown")
              : t("danger.live", { count: live.data })}
        </Typography.Paragraph>
        {live.data !== 0 && (
          <Typography.Paragraph>
            {t(`danger.${websocket?.on_disable ?? "close"}`, { time: inWords(t, websocket?.drain_time ?? "30s") })}
          </Typography.Paragraph>
        )}
        <Form layout="vertical" onFinish={() => sure && remove.mutate()}>
          <Form.Item label={t("delete.type", { name: data.name })} htmlFor="delete-name" style={{ marginBottom: 0 }}>
            <Input
              id="delete-name"
              autoComplete="off"
              spellCheck={false}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          </Form.Item>
        </Form>
      </Modal>
    </Card>
  );
}
