// The policy of the installation: what a domain needs before it goes live and before its WebSocket works, and other rules.

import { useMutation, useQuery } from "@tanstack/react-query";
import { Button, Card, Checkbox, Flex, Form, Skeleton, Switch, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { type Detail, gotWithTag } from "@/api/problem";
import { Effect } from "@/parts/effect";
import { dateTime } from "@/parts/format";
import { Page } from "@/parts/page";
import { ProblemAlert, tellFields } from "@/parts/problem";
import { Refused } from "@/parts/refused";
import { useUnsavedGuard } from "@/parts/unsaved";
import { useLogin } from "@/shell/session";
import { useNewestChange } from "./parts/newest-change";
import { Touched } from "./parts/touched";

type Values = Required<Schemas["PolicyReplace"]>;
type Rule =
  | Exclude<keyof Values["gates"], "icp_regions">
  | "billing_required"
  | "approve_automatically"
  | "customers_buy_packs";
type Tagged = { data: Schemas["Policy"]; etag: string };

export default function PolicyPage() {
  const { t } = useTranslation("operator");
  const [turn, setTurn] = useState(0);
  const query = useQuery({
    queryKey: ["installation-policy"],
    // What a form is filled from does not change beneath it, nor is it an old one; 412 tells.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    queryFn: ({ signal }) => gotWithTag(api.GET("/v1/policy", { signal })),
  });
  const anew = async () => {
    await query.refetch();
    setTurn((n) => n + 1);
  };
  return (
    <Page title={t("policy.title")} about={t("policy.about")}>
      {query.isPending ? (
        <Skeleton active />
      ) : query.isError ? (
        <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <PolicyForm key={turn} read={query.data} onAnew={anew} />
      )}
    </Page>
  );
}

function valuesOf(policy: Schemas["Policy"]): Values {
  const { approve_automatically, billing_required, customers_buy_packs } = policy;
  // The contract tells the gates' shape where they are set.
  const gates = policy.gates as unknown as Values["gates"];
  return { approve_automatically, billing_required, customers_buy_packs, gates };
}

// Gates that, switched on, take WebSocket (or all) from domains that are online and do not meet them.
function tightens(from: Values, to: Values): boolean {
  const on = (before: boolean, after: boolean) => !before && after;
  return (
    on(from.gates.account_verified, to.gates.account_verified) ||
    on(from.gates.whole_site_acceleration, to.gates.whole_site_acceleration) ||
    on(from.gates.activation, to.gates.activation) ||
    on(from.billing_required, to.billing_required)
  );
}

function PolicyForm({ read, onAnew }: { read: Tagged; onAnew: () => void }) {
  const { t } = useTranslation("operator");
  const mayWrite = useLogin().may_write;
  const newest = useNewestChange();
  const [form] = Form.useForm<Values>();
  const [left, setLeft] = useState<Detail[]>();
  const [policy, setPolicy] = useState(read); // as it was last read, or set here
  const [now, setNow] = useState(valuesOf(read.data));
  const was = valuesOf(policy.data);
  const changed = inOrder(now) !== inOrder(was);
  const replace = useMutation({
    mutationFn: (body: Values) =>
      gotWithTag(api.PUT("/v1/policy", { params: { header: { "if-match": policy.etag } }, body })),
    onSuccess: (answer) => {
      setPolicy(answer);
      setNow(valuesOf(answer.data));
      newest.mutate();
    },
    onError: (error) => setLeft(tellFields(form, error)),
  });
  useUnsavedGuard(changed);

  const rule = (name: (string | number)[], key: Rule) => (
    <Form.Item
      name={name}
      label={t(`policy.rules.${key}`)}
      extra={t(`policy.rule-about.${key}`)}
      valuePropName="checked"
    >
      <Switch />
    </Form.Item>
  );
  return (
    <Form
      form={form}
      layout="vertical"
      disabled={!mayWrite}
      initialValues={valuesOf(read.data)}
      onValuesChange={(_, all: Values) => setNow(all)}
      onFinish={(values) => replace.mutate(values)}
      style={{ maxWidth: 900 }}
    >
      <Refused error={replace.error} details={left} onReload={onAnew} />
      <Flex vertical gap="middle">
        <Card title={t("policy.live-gates")}>
          <Typography.Paragraph type="secondary">{t("policy.live-gates-about")}</Typography.Paragraph>
          {rule(["gates", "account_verified"], "account_verified")}
          {rule(["gates", "domain_ownership"], "domain_ownership")}
          <Form.Item
            name={["gates", "icp_regions"]}
            label={t("policy.rules.icp_regions")}
            extra={t("policy.rule-about.icp_regions")}
          >
            <Checkbox.Group
              options={(["mainland", "overseas", "global"] as const).map((value) => ({
                value,
                label: t(`regions.${value}`),
              }))}
            />
          </Form.Item>
        </Card>
        <Card title={t("policy.websocket-gates")}>
          <Typography.Paragraph type="secondary">{t("policy.websocket-gates-about")}</Typography.Paragraph>
          {rule(["gates", "whole_site_acceleration"], "whole_site_acceleration")}
          {rule(["gates", "activation"], "activation")}
          {rule(["billing_required"], "billing_required")}
        </Card>
        <Card title={t("policy.other")}>
          {rule(["approve_automatically"], "approve_automatically")}
          {rule(["customers_buy_packs"], "customers_buy_packs")}
        </Card>
        {changed && tightens(was, now) && <Touched about={t("policy.touched-about")} />}
        <Flex gap="middle" align="center" wrap>
          <Button type="primary" htmlType="submit" disabled={!mayWrite || !changed} loading={replace.isPending}>
            {t("common:save")}
          </Button>
          <Effect change={newest.data} />
          <Typography.Text type="secondary">
            {t("policy.updated", { date: dateTime(policy.data.updated), revision: policy.data.revision })}
          </Typography.Text>
        </Flex>
      </Flex>
    </Form>
  );
}

// For comparing: in one order, and regions, which are a set, in one too.
function inOrder({ gates, ...rules }: Values): string {
  return JSON.stringify([
    gates.account_verified,
    gates.domain_ownership,
    gates.whole_site_acceleration,
    gates.activation,
    [...gates.icp_regions].sort(),
    rules.billing_required,
    rules.approve_automatically,
    rules.customers_buy_packs,
  ]);
}
