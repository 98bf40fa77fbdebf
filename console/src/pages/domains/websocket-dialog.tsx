// Modify: the settings of a domain's WebSocket sessions.

import { DownOutlined, RightOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { App, Button, Divider, Form, Radio, Switch } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { type Detail, gotWithTag, Problem } from "@/api/problem";
import { Dialog } from "@/parts/dialog";
import { tellFields } from "@/parts/problem";
import { Refused } from "@/parts/refused";
import { useUnsavedGuard } from "@/parts/unsaved";
import { Amount } from "./amount";
import { changes, nothing } from "./changes";
import { OrderBars } from "./order-bars";
import { sizes } from "./units";
import { type ReadWebSocket, useTakeWebSocket } from "./websocket-switch";

type Values = NonNullable<Schemas["WebSocketSettings"]>;

const furtherKeys = ["max_session_age", "validate", "max_message_size", "client_interval", "origin_timeout"];

// Who has not chosen the protocol towards the origin chooses it here.
function valuesOf({ data }: ReadWebSocket): Values {
  const all = { ...(data.effective as Values) };
  const { enabled: _, ...rest } = Object.keys(all).length > 0 ? all : { ...(data.settings ?? {}) };
  return data.defaulted.includes("origin_scheme") ? { ...rest, origin_scheme: undefined } : rest;
}

interface Props {
  name: string;
  read: ReadWebSocket;
  onClose: () => void;
  onDone: (change: number | undefined) => void;
  onReload: () => void;
}

export function WebSocketDialog({ name, read, onClose, onDone, onReload }: Props) {
  const { t } = useTranslation(["configure", "common"]);
  const { modal } = App.useApp();
  const [form] = Form.useForm<Values>();
  const [more, setMore] = useState(false);
  const [unsaved, setUnsaved] = useState(false);
  const [left, setLeft] = useState<Detail[]>();
  // What was read when it was opened: a newer one is told of by the API, and not merged unseen.
  const [base] = useState(read);
  const before = useMemo(() => valuesOf(base), [base]);
  const take = useTakeWebSocket();
  const all = Form.useWatch([], form) as Values | undefined;
  useUnsavedGuard(unsaved);

  const save = useMutation({
    mutationFn: (patch: object) =>
      gotWithTag(
        api.PATCH("/v1/domains/{domain}/websocket", {
          params: { path: { domain: name }, header: { "if-match": base.etag } },
          body: patch as Schemas["WebSocketPatch"],
        }),
      ),
    onSuccess: (answer) => {
      take(name, answer);
      onDone(answer.data.policy_change);
    },
    onError: (error) => {
      setLeft(undefined);
      if (!(error instanceof Problem) || error.errors.length === 0 || error.status === 409) return;
      if (error.errors.some(({ pointer }) => furtherKeys.includes(pointer.split("/")[1] ?? ""))) setMore(true);
      setLeft(tellFields(form, error));
    },
  });
  const send = (values: Values) => {
    const patch = changes(before, { ...values });
    if (nothing(patch)) return onDone(undefined);
    save.mutate(patch);
  };
  const close = async () => {
    const sure =
      !unsaved ||
      (await modal.confirm({
        title: t("common:unsaved.title"),
        content: t("common:unsaved.about"),
        okText: t("common:unsaved.leave"),
        cancelText: t("common:unsaved.stay"),
        okButtonProps: { danger: true },
      }));
    if (sure) onClose();
  };
  const choices = <T extends string>(key: "scheme" | "heartbeat-to" | "on-disable", values: readonly T[]) =>
    values.map((value) => ({ value, label: t(`${key}.${value}`) }));

  return (
    <Dialog
      width={680}
      title={t("dialog.title", { name })}
      okText={t("common:ok")}
      cancelText={t("common:cancel")}
      okButtonProps={{ htmlType: "submit", form: "websocket", loading: save.isPending }}
      onCancel={close}
    >
      <Refused error={save.error} details={left} onReload={onReload} />
      <Form
        name="websocket"
        form={form}
        layout="vertical"
        initialValues={before}
        scrollToFirstError={{ focus: true }}
        onValuesChange={() => setUnsaved(!nothing(changes(before, { ...form.getFieldsValue() })))}
        onFinish={send}
      >
        <Form.Item
          name="connection_timeout"
          label={t("dialog.connection_timeout")}
          extra={t("dialog.connection_timeout-about")}
          rules={[{ required: true, message: t("dialog.connection_timeout-missing") }]}
        >
          <Amount />
        </Form.Item>
        <Form.Item
          name="origin_scheme"
          label={t("dialog.origin_scheme")}
          extra={t("dialog.origin_scheme-about")}
          rules={[{ required: true, message: t("dialog.origin_scheme-missing") }]}
        >
          <Radio.Group
            aria-label={t("dialog.origin_scheme")}
            options={choices("scheme", ["follow", "http", "https"] as const)}
          />
        </Form.Item>
        <Divider titlePlacement="start" plain>
          {t("dialog.heartbeat")}
        </Divider>
        <Form.Item name={["heartbeat", "interval"]} label={t("dialog.interval")} extra={t("dialog.interval-about")}>
          <Amount off />
        </Form.Item>
        <Form.Item name={["heartbeat", "to"]} label={t("dialog.to")}>
          <Radio.Group aria-label={t("dialog.to")} options={choices("heartbeat-to", ["client", "origin", "both"])} />
        </Form.Item>
        <Form.Item
          name={["heartbeat", "pong_timeout"]}
          label={t("dialog.pong_timeout")}
          extra={t("dialog.pong_timeout-about")}
        >
          <Amount />
        </Form.Item>
        <Divider titlePlacement="start" plain>
          {t("dialog.disable")}
        </Divider>
        <Form.Item name="on_disable" label={t("dialog.on_disable")}>
          <Radio.Group
            vertical
            aria-label={t("dialog.on_disable")}
            options={choices("on-disable", ["close", "drain", "keep"])}
          />
        </Form.Item>
        {all?.on_disable === "drain" && (
          <Form.Item name="drain_time" label={t("dialog.drain_time")} extra={t("dialog.drain_time-about")}>
            <Amount />
          </Form.Item>
        )}
        <Button
          type="link"
          aria-expanded={more}
          aria-controls="websocket-more"
          icon={more ? <DownOutlined aria-hidden /> : <RightOutlined aria-hidden />}
          onClick={() => setMore(!more)}
          style={{ paddingInline: 0 }}
        >
          {t("dialog.more")}
        </Button>
        <div id="websocket-more" style={{ display: more ? "block" : "none", marginTop: 12 }}>
          <Form.Item
            name="client_interval"
            label={t("dialog.client_interval")}
            extra={t("dialog.client_interval-about")}
          >
            <Amount />
          </Form.Item>
          <Form.Item name="origin_timeout" label={t("dialog.origin_timeout")} extra={t("dialog.origin_timeout-about")}>
            <Amount />
          </Form.Item>
          <Form.Item
            name="max_session_age"
            label={t("dialog.max_session_age")}
            extra={t("dialog.max_session_age-about")}
          >
            <Amount off />
          </Form.Item>
          <Form.Item
            name="max_message_size"
            label={t("dialog.max_message_size")}
            extra={t("dialog.max_message_size-about")}
          >
            <Amount off units={sizes} />
          </Form.Item>
          <Form.Item
            name="validate"
            label={t("dialog.validate")}
            extra={t("dialog.validate-about")}
            valuePropName="checked"
          >
            <Switch />
          </Form.Item>
        </div>
      </Form>
      <Divider />
      <OrderBars client={all?.client_interval} edge={all?.connection_timeout} origin={all?.origin_timeout} />
    </Dialog>
  );
}
