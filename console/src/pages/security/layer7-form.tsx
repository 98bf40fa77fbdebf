// Changing a layer-7 configuration, for every domain bound to it at once.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Flex, Form, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { type Detail, gotWithTag } from "@/api/problem";
import { Effect } from "@/parts/effect";
import { tellFields } from "@/parts/problem";
import { Refused } from "@/parts/refused";
import { useUnsavedGuard } from "@/parts/unsaved";
import { useLogin } from "@/shell/session";
import { changeAt } from "./change-at";
import { Layer7Fields } from "./layer7-fields";
import { settingsOf, type Values, valuesOf } from "./layer7-values";

interface Props {
  config: Schemas["Layer7Config"];
  etag: string;
  firstDomain: string | undefined;
  onLoadAnew: () => unknown;
}

export function Layer7Form({ config, etag, firstDomain, onLoadAnew }: Props) {
  const { t } = useTranslation("security");
  const { modal, message } = App.useApp();
  const mayWrite = useLogin().may_write;
  const queries = useQueryClient();
  const [form] = Form.useForm<Values>();
  const [touched, setTouched] = useState(false);
  const [left, setLeft] = useState<Detail[]>();
  // The revision that the form was filled with: a newer one read meanwhile must not be overwritten unseen.
  const [base, setBase] = useState(etag);
  const [change, setChange] = useState<number>();
  const [initial] = useState(() => valuesOf(config.name, config.settings));

  const save = useMutation({
    mutationFn: (values: Values) =>
      gotWithTag(
        api.PUT("/v1/layer7-configs/{config_id}", {
          params: { path: { config_id: config.id }, header: { "if-match": base } },
          body: { name: values.name, settings: settingsOf(values) },
        }),
      ),
    onSuccess: async (now) => {
      message.success(t("layer7.saved"));
      setTouched(false);
      setLeft(undefined);
      setBase(now.etag);
      queries.setQueryData(["layer7-config", config.id], now);
      void queries.invalidateQueries({ queryKey: ["layer7-configs", config.account_id] });
      setChange(await changeAt(firstDomain));
    },
    onError: (error) => setLeft(tellFields(form, error)),
  });
  useUnsavedGuard(touched);

  const ask = (values: Values) => {
    if (config.domains === 0) save.mutate(values);
    else
      modal.confirm({
        title: t("layer7.save-title"),
        content: t("layer7.save-about", { count: config.domains }),
        okText: t("common:save"),
        cancelText: t("common:cancel"),
        onOk: () => save.mutate(values),
      });
  };

  return (
    <>
      <Refused error={save.error} details={left} onReload={onLoadAnew} />
      <Form<Values>
        form={form}
        layout="vertical"
        disabled={!mayWrite}
        initialValues={initial}
        onValuesChange={() => setTouched(true)}
        onFinish={ask}
      >
        <Layer7Fields />
        <Flex gap="middle" align="center" wrap style={{ marginTop: 24 }}>
          <Button type="primary" htmlType="submit" disabled={!mayWrite || !touched} loading={save.isPending}>
            {t("common:save")}
          </Button>
          {touched && <Typography.Text type="secondary">{t("layer7.unsaved")}</Typography.Text>}
          <Effect change={change} />
        </Flex>
      </Form>
    </>
  );
}
