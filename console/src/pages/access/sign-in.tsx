import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Form, Input } from "antd";
import { useTranslation } from "react-i18next";
import { useLocation, useNavigate } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { ProblemAlert } from "@/parts/problem";
import { loginKey } from "@/shell/session";
import { Outside } from "./outside";

export default function SignIn() {
  const { t } = useTranslation("access");
  const queries = useQueryClient();
  const navigate = useNavigate();
  const back = (useLocation().state as { back?: string } | null)?.back;
  const signIn = useMutation({
    mutationFn: (body: Schemas["Credentials"]) => got(api.POST("/v1/login", { body })),
    onSuccess: (login) => {
      queries.clear();
      queries.setQueryData(loginKey, login);
      navigate(back ?? "/", { replace: true });
    },
  });
  return (
    <Outside title={t("sign-in")}>
      <ProblemAlert error={signIn.error} />
      <Form layout="vertical" requiredMark={false} noValidate onFinish={(values) => signIn.mutate(values)}>
        <Form.Item name="email" label={t("email")} rules={[{ required: true, message: t("email-missing") }]}>
          <Input type="email" autoComplete="username" autoFocus />
        </Form.Item>
        <Form.Item name="password" label={t("password")} rules={[{ required: true, message: t("password-missing") }]}>
          <Input.Password autoComplete="current-password" />
        </Form.Item>
        <Button type="primary" htmlType="submit" block loading={signIn.isPending}>
          {t("sign-in")}
        </Button>
      </Form>
    </Outside>
  );
}
