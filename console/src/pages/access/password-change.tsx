import { useMutation } from "@tanstack/react-query";
import { App, Button, Card, Form, Input } from "antd";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { Page } from "@/parts/page";
import { ProblemAlert, tellFields } from "@/parts/problem";
import { NewPassword } from "./new-password";

export default function PasswordChange() {
  const { t } = useTranslation("access");
  const { message } = App.useApp();
  const [form] = Form.useForm<Schemas["PasswordChange"] & { again: string }>();
  const change = useMutation({
    mutationFn: ({ old_password, new_password }: Schemas["PasswordChange"]) =>
      got(api.PUT("/v1/password", { body: { old_password, new_password } })),
    onSuccess: () => {
      form.resetFields();
      message.success(t("password-changed"));
    },
    onError: (error) => tellFields(form, error),
  });
  return (
    <Page title={t("change-password")} about={t("change-password-about")}>
      <Card style={{ maxWidth: 480 }}>
        <ProblemAlert error={change.error} />
        <Form form={form} layout="vertical" requiredMark={false} onFinish={(values) => change.mutate(values)}>
          <Form.Item
            name="old_password"
            label={t("old-password")}
            rules={[{ required: true, message: t("password-missing") }]}
          >
            <Input.Password autoComplete="current-password" />
          </Form.Item>
          <NewPassword name="new_password" />
          <Button type="primary" htmlType="submit" loading={change.isPending}>
            {t("change-password")}
          </Button>
        </Form>
      </Card>
    </Page>
  );
}
