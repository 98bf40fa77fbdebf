// Making a layer-7 configuration.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Card, Flex, Form } from "antd";
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
import { Layer7Fields } from "./layer7-fields";
import { settingsOf, type Values } from "./layer7-values";

export default function Layer7Add() {
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
  const create = useMutation({
    mutationFn: (values: Values) =>
      got(
        api.POST("/v1/layer7-configs", {
          body: { name: values.name, account_id: accountId, settings: settingsOf(values) },
        }),
      ),
    onSuccess: (made) => {
      message.success(t("layer7.created", { name: made.name }));
      void queries.invalidateQueries({ queryKey: ["layer7-configs", accountId] });
    },
    onError: (error) => setLeft(tellFields(form, error)),
  });
  const made = create.data?.id;
  useUnsavedGuard(touched && made === undefined);
  useEffect(() => {
    if (made) navigate(`/layer7/${made}`, { replace: true });
  }, [made, navigate]);

  return (
    <Page title={t("layer7.add")} about={t("layer7.add-about")} actions={<AccountChoice none="own" />}>
      <Card style={{ maxWidth: 960 }}>
        <ProblemAlert error={create.error} details={left} />
        <Form<Values>
          form={form}
          layout="vertical"
          disabled={!mayWrite}
          initialValues={{ settings: {} }}
          onValuesChange={() => setTouched(true)}
          onFinish={(values) => create.mutate(values)}
        >
          <Layer7Fields />
          <Flex gap="small" style={{ marginTop: 24 }}>
            <Button type="primary" htmlType="submit" loading={create.isPending}>
              {t("layer7.create")}
            </Button>
            <LinkButton to={link("/layer7", accountId)}>{t("common:cancel")}</LinkButton>
          </Flex>
        </Form>
      </Card>
    </Page>
  );
}
