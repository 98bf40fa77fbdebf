// The domain that an architecture change is for: how it stands, and what it still needs.

import { CheckCircleOutlined, MinusCircleOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Card, Descriptions, Flex, Skeleton, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { day } from "@/parts/format";
import { ProblemAlert } from "@/parts/problem";

export function DomainFacts({ domain }: { domain: string }) {
  const { t } = useTranslation("operator");
  const params = { path: { domain } };
  const facts = useQuery({
    queryKey: ["domain", domain, "facts"],
    queryFn: ({ signal }) => got(api.GET("/v1/domains/{domain}", { params, signal })),
  });
  const gates = useQuery({
    queryKey: ["domain", domain, "gates"],
    queryFn: ({ signal }) => got(api.GET("/v1/domains/{domain}/gates", { params, signal })),
  });
  if (facts.isError) return <ProblemAlert error={facts.error} onRetry={() => facts.refetch()} />;
  return (
    <Card title={t("desk.domain-facts")} extra={<Link to={`/domains/${domain}`}>{t("desk.open-domain")}</Link>}>
      {facts.isPending ? (
        <Skeleton active />
      ) : (
        <Flex vertical gap="middle">
          <Descriptions
            column={{ xs: 1, md: 2 }}
            items={[
              { key: "name", label: t("domain"), children: facts.data.name },
              { key: "state", label: t("state"), children: t(`domain-states.${facts.data.state}`) },
              { key: "region", label: t("region"), children: t(`regions.${facts.data.service_region}`) },
              { key: "icp", label: t("icp"), children: facts.data.icp_number || t("common:none") },
              {
                key: "acceleration",
                label: t("acceleration"),
                children: t(`accelerations.${facts.data.settings.acceleration ?? "whole-site"}`),
              },
              { key: "since", label: t("accounts.created"), children: day(facts.data.created) },
            ]}
          />
          {gates.data && (
            <ul aria-label={t("desk.gates")} style={{ listStyle: "none", margin: 0, padding: 0 }}>
              {[...gates.data.live, ...gates.data.websocket].map((gate) => (
                <li key={gate.code}>
                  {gate.met ? <CheckCircleOutlined aria-hidden /> : <MinusCircleOutlined aria-hidden />}{" "}
                  <Typography.Text type={gate.met ? undefined : "warning"}>
                    {t(gate.met ? "desk.gate-met" : "desk.gate-unmet", { gate: t(`gates.${gate.code}`) })}
                  </Typography.Text>
                </li>
              ))}
            </ul>
          )}
        </Flex>
      )}
    </Card>
  );
}
