// Gives one of the operators' people another role.

import { useMutation } from "@tanstack/react-query";
import { Alert, Form, Radio } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { type Detail, got } from "@/api/problem";
import { Dialog } from "@/parts/dialog";
import { tellFields } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { Refused } from "../parts/refused";

interface Props {
  user: Schemas["User"];
  etag: string;
  onClose: () => void;
  onChanged: () => void;
  onAnew: () => void;
}

export function UserRole({ user, etag, onClose, onChanged, onAnew }: Props) {
  const { t } = useTranslation("operator");
  const self = useLogin().user.id === user.id;
  const id = useId(); // so that the button submits the form, and Enter does
  const [form] = Form.useForm<{ role: Schemas["Role"] }>();
  const [left, setLeft] = useState<Detail[]>();
  const change = useMutation({
    mutationFn: (body: { role: Schemas["Role"] }) =>
      got(
        api.PATCH("/v1/users/{user_id}", {
          params: { path: { user_id: user.id }, header: { "if-match": etag } },
          body,
        }),
      ),
    onSuccess: onChanged,
    onError: (error) => setLeft(tellFields(form, error)),
  });
  return (
    <Dialog
      title={t("users.role-of", { email: user.email })}
      okText={t("common:save")}
      confirmLoading={change.isPending}
      okButtonProps={{ htmlType: "submit", form: id }}
      onCancel={onClose}
    >
      <Refused error={change.error} details={left} onAnew={onAnew} />
      <Alert
        type="warning"
        showIcon
        title={t(self ? "users.yourself" : "users.role-ends")}
        style={{ marginBottom: 16 }}
      />
      <Form
        id={id}
        form={form}
        layout="vertical"
        initialValues={{ role: user.role }}
        onFinish={(values) => change.mutate(values)}
      >
        <Form.Item name="role" label={t("users.role")} extra={t("users.role-about.operator")}>
          <Radio.Group
            options={(["operator", "auditor"] as const).map((value) => ({ value, label: t(`users.roles.${value}`) }))}
          />
        </Form.Item>
      </Form>
    </Dialog>
  );
}
