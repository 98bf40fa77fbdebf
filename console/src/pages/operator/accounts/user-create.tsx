// Adds a user: by an invitation that they choose their password with, or with a password that is set now.

import { useMutation } from "@tanstack/react-query";
import { Form, Input, Radio, Select } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { type Detail, got } from "@/api/problem";
import { Dialog } from "@/parts/dialog";
import { ProblemAlert, tellFields } from "@/parts/problem";

interface Values {
  email: string;
  role: Schemas["Role"];
  way: "invite" | "password";
  password?: string;
}

interface Props {
  account: Schemas["Account"];
  onClose: () => void;
  onCreated: (made: Schemas["NewUser"]) => void;
}

export function UserCreate({ account, onClose, onCreated }: Props) {
  const { t } = useTranslation("operator");
  const id = useId(); // so that the button submits the form, and Enter does
  const [form] = Form.useForm<Values>();
  const [left, setLeft] = useState<Detail[]>();
  const way = Form.useWatch("way", form);
  const roles: Schemas["Role"][] = account.kind === "operator" ? ["operator", "auditor"] : ["customer"];
  const create = useMutation({
    mutationFn: ({ email, role, way: chosen, password }: Values) =>
      got(
        api.POST("/v1/users", {
          body: { account_id: account.id, email, role, password: chosen === "password" ? password : undefined },
        }),
      ),
    onSuccess: onCreated,
    onError: (error) => setLeft(tellFields(form, error)),
  });
  return (
    <Dialog
      title={t("users.add-to", { account: account.name })}
      okText={t(way === "password" ? "users.add" : "users.invite")}
      confirmLoading={create.isPending}
      okButtonProps={{ htmlType: "submit", form: id }}
      onCancel={onClose}
    >
      <ProblemAlert error={create.error} details={left} />
      <Form
        id={id}
        form={form}
        layout="vertical"
        noValidate
        initialValues={{ role: roles[0], way: "invite" }}
        onFinish={(values) => create.mutate(values)}
      >
        <Form.Item name="email" label={t("email")} rules={[{ required: true, message: t("users.email-missing") }]}>
          <Input type="email" autoComplete="off" />
        </Form.Item>
        <Form.Item name="role" label={t("users.role")} extra={t(`users.role-about.${account.kind}`)}>
          <Select
            disabled={roles.length === 1}
            options={roles.map((value) => ({ value, label: t(`users.roles.${value}`) }))}
          />
        </Form.Item>
        <Form.Item name="way" label={t("users.way")}>
          <Radio.Group
            options={(["invite", "password"] as const).map((value) => ({ value, label: t(`users.ways.${value}`) }))}
          />
        </Form.Item>
        {way === "password" && (
          <Form.Item
            name="password"
            label={t("users.password")}
            extra={t("users.password-rule")}
            rules={[{ required: true, min: 12, max: 256, message: t("users.password-rule") }]}
          >
            <Input.Password autoComplete="new-password" />
          </Form.Item>
        )}
      </Form>
    </Dialog>
  );
}
