// What an operator should know of the account that applies, before deciding.

import { useQuery } from "@tanstack/react-query";
import { Alert, Card, Descriptions, Flex, Skeleton, Tag, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { count, day } from "@/parts/format";
import { ProblemAlert } from "@/parts/problem";
import { useDomainTotal, useLive } from "../parts/touched";
import { stateColors } from "./states";

export function AccountFacts({ account, application }: { account: string; application: string }) {
  const { t } = useTranslation("operator");
  const facts = useQuery({
    queryKey: ["account", account, "facts"],
    queryFn: ({ signal }) =>
      got(api.GET("/v1/accounts/{account_id}", { params: { path: { account_id: account } }, signal })),
  });
  const earlier = useQuery({
    queryKey: ["applications", "of", account],
    queryFn: ({ signal }) =>
      got(api.GET("/v1/applications", { params: { query: { account_id: account, limit: 20 } }, signal })),
  });
  const domains = useDomainTotal(account);
  const online = useDomainTotal(account, "online");
  const live = useLive(account);
  const others = earlier.data?.items.filter((a) => a.id !== application) ?? [];

  if (facts.isError) return <ProblemAlert error={facts.error} onRetry={() => facts.refetch()} />;
  return (
    <Card title={t("desk.account-facts")} extra={<Link to={`/accounts/${account}`}>{t("desk.open-account")}</Link>}>
      {facts.isPending ? (
        <Skeleton active />
      ) : (
        <Flex vertical gap="middle">
          {!facts.data.identity_verified && <Alert type="warning" showIcon title={t("desk.not-verified")} />}
          {facts.data.state !== "active" && (
            <Alert type="warning" showIcon title={t(`desk.account-${facts.data.state}`)} />
          )}
          <Descriptions
            column={{ xs: 1, md: 2 }}
            items={[
              { key: "name", label: t("accounts.name"), children: facts.data.name },
              { key: "state", label: t("state"), children: t(`accounts.states.${facts.data.state}`) },
              {
                key: "verified",
                label: t("accounts.verified"),
                children: facts.data.identity_verified ? t("common:yes") : t("common:no"),
              },
              { key: "since", label: t("accounts.created"), children: day(facts.data.created) },
              {
                key: "domains",
                label: t("accounts.domains"),
                children:
                  domains.data === undefined || online.data === undefined
                    ? t("common:absent")
                    : t("accounts.domains-online", { all: count(domains.data), online: count(online.data) }),
              },
              {
                key: "live",
                label: t("accounts.live"),
                children: live.data?.edges ? count(live.data.total.sessions_open) : t("common:absent"),
              },
            ]}
          />
          <div>
            <Typography.Title level={2} style={{ fontSize: 14, marginTop: 0 }}>
              {t("desk.others")}
            </Typography.Title>
            {others.length === 0 ? (
              <Typography.Text type="secondary">{t("desk.no-others")}</Typography.Text>
            ) : (
              <ul style={{ margin: 0, paddingInlineStart: 20 }}>
                {others.map((a) => (
                  <li key={a.id}>
                    <Link to={`/desk/${a.id}`}>
                      {t("desk.other", { kind: t(`desk.kinds.${a.kind}`), date: day(a.created) })}
                    </Link>{" "}
                    <Tag color={stateColors[a.state]}>{t(`desk.states.${a.state}`)}</Tag>
                    {a.reason && <Typography.Text type="secondary">{a.reason}</Typography.Text>}
                  </li>
                ))}
              </ul>
            )}
          </div>
        </Flex>
      )}
    </Card>
  );
}
