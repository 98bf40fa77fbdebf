// One account: its facts, how it stands, what it has, and its users.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Card, Descriptions, Flex, Skeleton, Statistic, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api } from "@/api/client";
import { got, gotWithTag } from "@/api/problem";
import { Effect } from "@/parts/effect";
import { count, dateTime } from "@/parts/format";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { useNewestChange } from "../parts/newest-change";
import { useDomainTotal, useLive } from "../parts/touched";
import { AccountModify, type Tagged } from "./modify";
import { Standing } from "./standing";
import { stateColors } from "./states";
import { Users } from "./users";

export default function AccountPage() {
  const { t } = useTranslation("operator");
  const { id = "" } = useParams();
  const queries = useQueryClient();
  const mayWrite = useLogin().may_write;
  const newest = useNewestChange();
  const [modifying, setModifying] = useState(false);
  const query = useQuery({
    queryKey: ["account", id],
    queryFn: ({ signal }) =>
      gotWithTag(api.GET("/v1/accounts/{account_id}", { params: { path: { account_id: id } }, signal })),
  });
  if (query.isPending || query.isError)
    return (
      <Page title={t("accounts.account")}>
        {query.isPending ? <Skeleton active /> : <ProblemAlert error={query.error} onRetry={() => query.refetch()} />}
      </Page>
    );
  const { data: account } = query.data;
  const changed = (answer: Tagged) => {
    const heard =
      answer.data.state !== account.state ||
      answer.data.identity_verified !== account.identity_verified ||
      answer.data.websocket_default !== account.websocket_default;
    queries.setQueryData(["account", id], answer);
    for (const key of ["accounts", "account-name", "domains"]) void queries.invalidateQueries({ queryKey: [key] });
    setModifying(false);
    if (heard) newest.mutate();
  };
  const anew = () => {
    setModifying(false);
    void query.refetch();
  };
  return (
    <Page
      title={account.name}
      about={t("accounts.account-about")}
      actions={<Link to="/accounts">{t("accounts.title")}</Link>}
    >
      <Flex vertical gap="middle" style={{ maxWidth: 1100 }}>
        <Card
          title={t("accounts.facts")}
          extra={
            <Button disabled={!mayWrite} onClick={() => setModifying(true)}>
              {t("common:modify")}
            </Button>
          }
        >
          <Descriptions
            column={{ xs: 1, md: 2 }}
            items={[
              {
                key: "state",
                label: t("state"),
                children: <Tag color={stateColors[account.state]}>{t(`accounts.states.${account.state}`)}</Tag>,
              },
              { key: "kind", label: t("accounts.kind"), children: t(`accounts.kinds.${account.kind}`) },
              {
                key: "verified",
                label: t("accounts.verified"),
                children: account.identity_verified ? t("common:yes") : t("common:no"),
              },
              { key: "zone", label: t("accounts.time-zone"), children: account.time_zone },
              {
                key: "default",
                label: t("accounts.websocket-default"),
                children: t(`accounts.defaults.${account.websocket_default}`),
              },
              { key: "created", label: t("accounts.created"), children: dateTime(account.created) },
              { key: "id", label: t("accounts.id"), children: <code>{account.id}</code> },
            ]}
          />
          <Effect change={newest.data} />
        </Card>
        <Card title={t("accounts.has")}>
          <Has account={id} />
        </Card>
        <Card title={t("accounts.standing")}>
          <Standing account={query.data} mayWrite={mayWrite} onChanged={changed} onAnew={anew} />
        </Card>
        <Users account={account} />
      </Flex>
      {modifying && (
        <AccountModify account={query.data} onClose={() => setModifying(false)} onChanged={changed} onAnew={anew} />
      )}
    </Page>
  );
}

function Has({ account }: { account: string }) {
  const { t } = useTranslation("operator");
  const domains = useDomainTotal(account);
  const online = useDomainTotal(account, "online");
  const live = useLive(account);
  const service = useQuery({
    queryKey: ["service", account],
    queryFn: ({ signal }) => got(api.GET("/v1/service", { params: { query: { account_id: account } }, signal })),
  });
  const billing = useQuery({
    queryKey: ["billing", account],
    queryFn: ({ signal }) => got(api.GET("/v1/billing", { params: { query: { account_id: account } }, signal })),
  });
  const method = billing.data?.current;
  const { application_id, activation } = service.data ?? {};
  return (
    <Flex vertical gap="middle">
      <Flex gap={48} wrap>
        <Statistic
          title={t("accounts.domains")}
          value={domains.data === undefined ? t("common:absent") : count(domains.data)}
        />
        <Statistic
          title={t("accounts.online")}
          value={online.data === undefined ? t("common:absent") : count(online.data)}
        />
        <Statistic
          title={t("accounts.live")}
          value={live.data?.edges ? count(live.data.total.sessions_open) : t("common:absent")}
        />
      </Flex>
      <Descriptions
        column={{ xs: 1, md: 2 }}
        items={[
          {
            key: "service",
            label: t("accounts.activation"),
            children: activation ? (
              application_id ? (
                <Link to={`/desk/${application_id}`}>{t(`accounts.activations.${activation}`)}</Link>
              ) : (
                t(`accounts.activations.${activation}`)
              )
            ) : (
              t("common:absent")
            ),
          },
          {
            key: "billing",
            label: t("accounts.billing"),
            children: method
              ? t(`accounts.methods.${method.method}-${method.period}`)
              : t(billing.isSuccess ? "accounts.no-method" : "accounts.not-known"),
          },
        ]}
      />
      <Link to={`/desk?state=all&account=${account}`}>{t("accounts.applications")}</Link>
    </Flex>
  );
}
