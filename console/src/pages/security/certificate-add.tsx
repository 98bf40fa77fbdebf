// Uploading a certificate: a name, the chain and its key, which are checked together.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Card, Flex, Form, Input } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api } from "@/api/client";
import { type Detail, got } from "@/api/problem";
import { AccountChoice, useAccountLink, useChosenAccount } from "@/pages/service/parts/account-choice";
import { LinkButton } from "@/parts/link-button";
import { Page } from "@/parts/page";
import { ProblemAlert, tellFields } from "@/parts/problem";
import { useUnsavedGuard } from "@/parts/unsaved";
import { useLogin } from "@/shell/session";
import { type Pair, PemFields } from "./pem-fields";

type Values = Pair & { name: string };

export default function CertificateAdd() {
  const { t } = useTranslation("security");
  const { account: own, may_write: mayWrite } = useLogin();
  const accountId = useChosenAccount() ?? own.id;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const link = useAccountLink();
  const { message } = App.useApp();
  const [form] = Form.useForm<Values>();
  const [touched, setTouched] = useState(false);
  const [left, setLeft] = useState<Detail[]>();
  const upload = useMutation({
    mutationFn: (values: Values) => got(api.POST("/v1/certificates", { body: { ...values, account_id: accountId } })),
    onSuccess: (made) => {
      message.success(t("certificate.uploaded", { name: made.name }));
      void queries.invalidateQueries({ queryKey: ["certificates", accountId] });
    },
    onError: (error) => setLeft(tellFields(form, error)),
    gcTime: 0, // the key does not stay in memory
  });
  const made = upload.data?.id;
  useUnsavedGuard(touched && made === undefined);
  useEffect(() => {
    if (made) navigate(`/certificates/${made}`, { replace: true });
  }, [made, navigate]);

  return (
    <Page title={t("certificates.add")} about={t("certificate.add-about")} actions={<AccountChoice none="own" />}>
      <Card style={{ maxWidth: 760 }}>
        <ProblemAlert error={upload.error} details={left} />
        <Form<Values>
          form={form}
          layout="vertical"
          disabled={!mayWrite}
          onValuesChange={() => setTouched(true)}
          onFinish={(values) => upload.mutate(values)}
        >
          <Form.Item
            name="name"
            label={t("certificates.name")}
            extra={t("certificate.name-about")}
            rules={[{ required: true, whitespace: true, message: t("missing.name") }]}
          >
            <Input maxLength={100} autoComplete="off" />
          </Form.Item>
          <PemFields form={form} disabled={!mayWrite} onTouched={() => setTouched(true)} />
          <Flex gap="small">
            <Button type="primary" htmlType="submit" loading={upload.isPending}>
              {t("certificate.upload")}
            </Button>
            <LinkButton to={link("/certificates", accountId)}>{t("common:cancel")}</LinkButton>
          </Flex>
        </Form>
      </Card>
    </Page>
  );
}
