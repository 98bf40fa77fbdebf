// Replacing a certificate's chain and key, on every domain that uses it at once. Live sessions go on.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Flex, Form, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { type Detail, gotWithTag } from "@/api/problem";
import { Effect } from "@/parts/effect";
import { tellFields } from "@/parts/problem";
import { Refused } from "@/parts/refused";
import { useUnsavedGuard } from "@/parts/unsaved";
import { useLogin } from "@/shell/session";
import { changeAt } from "./change-at";
import { type Pair, PemFields } from "./pem-fields";

interface Props {
  certificate: Schemas["Certificate"];
  etag: string;
  onLoadAnew: () => unknown;
}

export function CertificateReplace({ certificate, etag, onLoadAnew }: Props) {
  const { t } = useTranslation("security");
  const { message } = App.useApp();
  const mayWrite = useLogin().may_write;
  const queries = useQueryClient();
  const [form] = Form.useForm<Pair>();
  const [touched, setTouched] = useState(false);
  const [left, setLeft] = useState<Detail[]>();
  // The revision that was seen when the form was opened: a newer one read meanwhile must not be overwritten unseen.
  const [base, setBase] = useState(etag);
  const [change, setChange] = useState<number>();
  const { id, account_id, domains } = certificate;

  const replace = useMutation({
    mutationFn: (body: Pair) =>
      gotWithTag(
        api.PUT("/v1/certificates/{certificate_id}", {
          params: { path: { certificate_id: id }, header: { "if-match": base } },
          body,
        }),
      ),
    onSuccess: async (now) => {
      message.success(t("certificate.replaced"));
      form.resetFields();
      setTouched(false);
      setLeft(undefined);
      setBase(now.etag);
      queries.setQueryData(["certificate", id], now);
      void queries.invalidateQueries({ queryKey: ["certificates", account_id] });
      setChange(await changeAt(now.data.domains[0]));
    },
    onError: (error) => setLeft(tellFields(form, error)),
    gcTime: 0, // the key does not stay in memory
  });
  useUnsavedGuard(touched);

  return (
    <>
      <Typography.Paragraph>{t("certificate.replace-about", { count: domains.length })}</Typography.Paragraph>
      <Refused error={replace.error} details={left} onReload={onLoadAnew} />
      <Form<Pair>
        form={form}
        layout="vertical"
        style={{ maxWidth: 720 }}
        onValuesChange={() => setTouched(true)}
        onFinish={(values) => replace.mutate(values)}
      >
        <PemFields form={form} disabled={!mayWrite} onTouched={() => setTouched(true)} />
        <Flex gap="middle" align="center" wrap>
          <Button type="primary" htmlType="submit" disabled={!mayWrite} loading={replace.isPending}>
            {t("certificates.replace")}
          </Button>
          <Effect change={change} />
        </Flex>
      </Form>
    </>
  );
}
