// What an account has to meet before its domains can go live and use WebSocket. Which of these an installation demands
// its customers only see at a domain, so a domain of theirs is asked; without one, all are shown as they are.

import { CheckCircleOutlined, ExclamationCircleOutlined, MinusCircleOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Card, Flex, Skeleton, Typography } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { ProblemAlert } from "@/parts/problem";
import { useAccountLink } from "./parts/account-choice";

type Code = "account_active" | "account_verified" | "activation" | "billing_method";
type Standing = "met" | "unmet" | "not-demanded";

const looks: Record<Standing, { type: "success" | "warning" | "secondary"; icon: ReactNode }> = {
  met: { type: "success", icon: <CheckCircleOutlined aria-hidden /> },
  unmet: { type: "warning", icon: <ExclamationCircleOutlined aria-hidden /> },
  "not-demanded": { type: "secondary", icon: <MinusCircleOutlined aria-hidden /> },
};

interface Props {
  accountId: string;
  activation: Schemas["Service"]["activation"] | undefined;
}

export function AccountGates({ accountId, activation }: Props) {
  const { t } = useTranslation("service");
  const link = useAccountLink();
  const known = useQuery({
    queryKey: ["account-gates", accountId],
    queryFn: async ({ signal }) => {
      const account_id = accountId;
      const [account, billing, domains] = await Promise.all([
        got(api.GET("/v1/accounts/{account_id}", { params: { path: { account_id } }, signal })),
        got(api.GET("/v1/billing", { params: { query: { account_id } }, signal })),
        got(api.GET("/v1/domains", { params: { query: { account_id, limit: 1 } }, signal })),
      ]);
      const domain = domains.items[0]?.name;
      const gates = domain
        ? await got(api.GET("/v1/domains/{domain}/gates", { params: { path: { domain } }, signal }))
        : undefined;
      return { account, billing, gates: gates && [...gates.live, ...gates.websocket] };
    },
  });
  const standing = (code: Code): Standing => {
    if (!known.data) return "unmet";
    const { account, billing, gates } = known.data;
    const facts: Record<Code, boolean> = {
      account_active: account.state === "active",
      account_verified: account.identity_verified,
      activation: activation === "approved",
      billing_method: billing.current !== null,
    };
    if (facts[code]) return "met";
    // An operators' account has only to be active.
    if (account.kind === "operator" && code !== "account_active") return "not-demanded";
    if (code === "activation" && activation === "not_required") return "not-demanded";
    if (gates && !gates.some((gate) => gate.code === code)) return "not-demanded";
    return "unmet";
  };
  const codes: Code[] = ["account_active", "account_verified", "activation", "billing_method"];
  return (
    <Card title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("gates.title")}</h2>}>
      <Typography.Paragraph type="secondary">{t("gates.about")}</Typography.Paragraph>
      <ProblemAlert error={known.error} onRetry={() => known.refetch()} />
      {(known.isPending || (known.data && !activation)) && <Skeleton active />}
      {known.data && activation && (
        <ul style={{ listStyle: "none", margin: 0, padding: 0 }}>
          {codes.map((code) => {
            const is = standing(code);
            return (
              <li key={code} style={{ padding: "6px 0" }}>
                <Flex gap="small" align="baseline" wrap>
                  <Typography.Text type={looks[is].type}>
                    {looks[is].icon} {t(`gates.standing.${is}`)}
                  </Typography.Text>
                  <Typography.Text strong>{t(`gates.${code}.name`)}</Typography.Text>
                  {is === "unmet" && <Typography.Text>{t(`gates.${code}.hint`)}</Typography.Text>}
                  {is === "unmet" && code === "billing_method" && (
                    <Link to={link("/billing", accountId)}>{t("gates.to-billing")}</Link>
                  )}
                </Flex>
              </li>
            );
          })}
        </ul>
      )}
      <Typography.Paragraph type="secondary" style={{ margin: "8px 0 0" }}>
        {t("gates.of-domains")} <Link to="/domains">{t("gates.to-domains")}</Link>
      </Typography.Paragraph>
    </Card>
  );
}
