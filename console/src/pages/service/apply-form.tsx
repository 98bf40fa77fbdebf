// Applying: for the account's activation, or for the architecture change of a domain that came from a plain CDN.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Flex, Form, Input, InputNumber, Select } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { type Detail, got } from "@/api/problem";
import { ProblemAlert, tellFields } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { DomainSelect } from "./domain-select";

type Fields = Schemas["ApplicationFields"];
type Values = { domain?: string; fields: Fields };

const useCases: Fields["use_case"][] = [
  "live-comments",
  "online-class",
  "quotes",
  "live-sports",
  "conference",
  "location-tracking",
  "other",
];

interface Props {
  kind: Schemas["ApplicationKind"];
  accountId: string;
  domain?: string;
  onDone?: () => void;
  // Told to the page: a page can have one guard of unsaved changes, and this one two forms.
  onTouched: (touched: boolean) => void;
}

export function ApplyForm({ kind, accountId, domain, onDone, onTouched }: Props) {
  const { t } = useTranslation("service");
  const login = useLogin();
  const queries = useQueryClient();
  const { message } = App.useApp();
  const [form] = Form.useForm<Values>();
  const [touched, setTouched] = useState(false);
  const [left, setLeft] = useState<Detail[]>();
  const own = accountId === login.account.id;

  const submit = useMutation({
    mutationFn: (values: Values) =>
      got(
        api.POST("/v1/applications", {
          body: { kind, account_id: accountId, domain: values.domain, fields: filled(values.fields) },
        }),
      ),
    onSuccess: (application) => {
      setTouched(false);
      message.success(t(application.state === "approved" ? "apply.approved" : "apply.sent"));
      for (const key of ["service", "applications", "account-gates"])
        void queries.invalidateQueries({ queryKey: [key, accountId] });
      onDone?.();
    },
    onError: (error) => setLeft(tellFields(form, error)),
  });
  const unsaved = touched && !submit.isSuccess;
  useEffect(() => {
    onTouched(unsaved);
    return () => onTouched(false);
  }, [unsaved, onTouched]);

  return (
    <Form<Values>
      form={form}
      layout="vertical"
      noValidate // the browser would tell it in a language of its own
      disabled={!login.may_write}
      style={{ maxWidth: 640 }}
      initialValues={{
        domain,
        fields: own ? { contact_email: login.user.email, company: login.account.name } : {},
      }}
      onValuesChange={() => setTouched(true)}
      onFinish={(values) => submit.mutate(values)}
    >
      <ProblemAlert error={submit.error} details={left} />
      {kind === "architecture_change" && (
        <Form.Item
          name="domain"
          label={t("fields.domain")}
          extra={t("architecture.domain-about")}
          rules={[{ required: true, message: t("missing.domain") }]}
        >
          <DomainSelect accountId={accountId} />
        </Form.Item>
      )}
      <Form.Item name={["fields", "company"]} label={t("fields.company")} rules={[{ max: 200 }]}>
        <Input autoComplete="organization" maxLength={200} />
      </Form.Item>
      <Form.Item
        name={["fields", "contact_name"]}
        label={t("fields.contact_name")}
        rules={[{ required: true, message: t("missing.contact_name") }]}
      >
        <Input autoComplete="name" maxLength={100} />
      </Form.Item>
      <Form.Item
        name={["fields", "contact_email"]}
        label={t("fields.contact_email")}
        extra={t("apply.email-about")}
        rules={[{ required: true, type: "email", message: t("missing.contact_email") }]}
      >
        <Input type="email" autoComplete="email" maxLength={254} />
      </Form.Item>
      <Form.Item name={["fields", "contact_phone"]} label={t("fields.contact_phone")}>
        <Input type="tel" autoComplete="tel" maxLength={40} />
      </Form.Item>
      <Form.Item
        name={["fields", "use_case"]}
        label={t("fields.use_case")}
        rules={[{ required: true, message: t("missing.use_case") }]}
      >
        <Select options={useCases.map((value) => ({ value, label: t(`use-cases.${value}`) }))} />
      </Form.Item>
      <Flex gap="middle" wrap>
        <Form.Item name={["fields", "expected_sessions"]} label={t("fields.expected_sessions")}>
          <InputNumber min={0} max={1_000_000_000} precision={0} style={{ width: 220 }} />
        </Form.Item>
        <Form.Item name={["fields", "expected_bandwidth_mbps"]} label={t("fields.expected_bandwidth_mbps")}>
          <InputNumber min={0} max={1_000_000_000} precision={0} style={{ width: 220 }} />
        </Form.Item>
      </Flex>
      <Form.Item name={["fields", "description"]} label={t("fields.description")} extra={t("apply.description-about")}>
        <Input.TextArea rows={4} maxLength={2000} showCount />
      </Form.Item>
      <Flex gap="small">
        <Button type="primary" htmlType="submit" loading={submit.isPending}>
          {t("apply.submit")}
        </Button>
        {onDone && (
          <Button disabled={false} onClick={onDone}>
            {t("common:cancel")}
          </Button>
        )}
      </Flex>
    </Form>
  );
}

// What was left empty is left out: the contract has no empty texts and no null.
function filled(fields: Fields): Fields {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return Object.fromEntries(kept) as Fields;
}
