// The first operator: opened by the link that the first start printed. The key is in the fragment, which no server sees.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Form, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { ProblemAlert, tellFields } from "@/parts/problem";
import { loginKey } from "@/shell/session";
import { NewPassword } from "./new-password";
import { Outside } from "./outside";

type Values = Omit<Schemas["FirstOperator"], "key"> & { again: string };

export default function Setup() {
  const { t } = useTranslation("access");
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [form] = Form.useForm<Values>();
  const [key] = useState(() => window.location.hash.slice(1));
  const setUp = useMutation({
    mutationFn: ({ again: _, ...values }: Values) => got(api.POST("/v1/setup", { body: { ...values, key } })),
    onSuccess: (login) => {
      queries.clear();
      queries.setQueryData(loginKey, login);
      navigate("/", { replace: true });
    },
    onError: (error) => tellFields(form, error),
  });
  return (
    <Outside title={t("setup")} about={t("setup-about")}>
      <ProblemAlert error={setUp.error} />
      <Form form={form} layout="vertical" requiredMark={false} noValidate onFinish={(values) => setUp.mutate(values)}>
        <Form.Item name="account_name" label={t("operator-name")} extra={t("operator-name-about")}>
          <Input autoComplete="organization" />
        </Form.Item>
        <Form.Item name="email" label={t("email")} rules={[{ required: true, message: t("email-missing") }]}>
          <Input type="email" autoComplete="username" />
        </Form.Item>
        <NewPassword name="password" />
        <Button type="primary" htmlType="submit" block loading={setUp.isPending}>
          {t("begin")}
        </Button>
      </Form>
    </Outside>
  );
}
