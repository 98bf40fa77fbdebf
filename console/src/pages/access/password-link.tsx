// A password by the link that was sent; the key is in the fragment, which no server sees.

import { useMutation } from "@tanstack/react-query";
import { Button, Form } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { Outcome } from "@/parts/outcome";
import { ProblemAlert, tellFields } from "@/parts/problem";
import { NewPassword } from "./new-password";
import { Outside } from "./outside";

export default function PasswordLink() {
  const { t } = useTranslation("access");
  const [form] = Form.useForm<{ password: string }>();
  const [key] = useState(() => window.location.hash.slice(1));
  const set = useMutation({
    mutationFn: ({ password }: { password: string }) => got(api.POST("/v1/password", { body: { key, password } })),
    onError: (error) => tellFields(form, error),
  });
  if (set.isSuccess)
    return (
      <Outside title={t("choose-password")}>
        <Outcome status="success" title={t("password-set")} extra={<Link to="/sign-in">{t("sign-in")}</Link>} />
      </Outside>
    );
  return (
    <Outside title={t("choose-password")}>
      <ProblemAlert error={set.error} />
      <Form form={form} layout="vertical" requiredMark={false} onFinish={(values) => set.mutate(values)}>
        <NewPassword name="password" />
        <Button type="primary" htmlType="submit" block loading={set.isPending}>
          {t("set-password")}
        </Button>
      </Form>
    </Outside>
  );
}
