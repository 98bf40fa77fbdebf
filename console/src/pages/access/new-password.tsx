// Two fields for a new password, the same in both.

import { Form, Input } from "antd";
import { useTranslation } from "react-i18next";

export function NewPassword({ name }: { name: string }) {
  const { t } = useTranslation("access");
  return (
    <>
      <Form.Item
        name={name}
        label={t("new-password")}
        extra={t("password-rule")}
        rules={[{ required: true, min: 12, max: 256, message: t("password-rule") }]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Form.Item
        name="again"
        label={t("password-again")}
        dependencies={[name]}
        rules={[
          ({ getFieldValue }) => ({
            validator: (_, value) =>
              value === getFieldValue(name) ? Promise.resolve() : Promise.reject(new Error(t("passwords-differ"))),
          }),
        ]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
    </>
  );
}
