// Makes a token: its name, what it may do, and for how long.

import { useMutation } from "@tanstack/react-query";
import { Form, Input, InputNumber, Radio } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { type Detail, got } from "@/api/problem";
import { Dialog } from "@/parts/dialog";
import { ProblemAlert, tellFields } from "@/parts/problem";

type Values = Required<Schemas["TokenCreate"]>;

interface Props {
  onClose: () => void;
  onCreated: (token: Schemas["NewToken"]) => void;
}

export function TokenCreate({ onClose, onCreated }: Props) {
  const { t } = useTranslation("access");
  const id = useId(); // so that the button submits the form, and Enter does
  const [form] = Form.useForm<Values>();
  const [left, setLeft] = useState<Detail[]>();
  const create = useMutation({
    mutationFn: (body: Values) => got(api.POST("/v1/tokens", { body })),
    onSuccess: onCreated,
    onError: (error) => setLeft(tellFields(form, error)),
  });
  return (
    <Dialog
      title={t("tokens.create")}
      okText={t("tokens.create")}
      confirmLoading={create.isPending}
      okButtonProps={{ htmlType: "submit", form: id }}
      onCancel={onClose}
    >
      <ProblemAlert error={create.error} details={left} />
      <Form
        id={id}
        form={form}
        layout="vertical"
        initialValues={{ scope: "read", expires_in_days: 90 }}
        onFinish={(values) => create.mutate(values)}
      >
        <Form.Item
          name="name"
          label={t("tokens.name")}
          extra={t("tokens.name-about")}
          rules={[{ required: true, whitespace: true, max: 100, message: t("tokens.name-rule") }]}
        >
          <Input autoComplete="off" />
        </Form.Item>
        <Form.Item name="scope" label={t("tokens.scope")} extra={t("tokens.scope-about")}>
          <Radio.Group
            options={(["read", "write"] as const).map((value) => ({ value, label: t(`tokens.scopes.${value}`) }))}
          />
        </Form.Item>
        <Form.Item
          name="expires_in_days"
          label={t("tokens.days")}
          rules={[{ required: true, message: t("tokens.days-rule") }]}
          extra={t("tokens.days-rule")}
        >
          <InputNumber min={1} max={3650} precision={0} style={{ width: "100%" }} />
        </Form.Item>
      </Form>
    </Dialog>
  );
}
