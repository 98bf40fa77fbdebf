// What is about to be added, and what the API would say to it: nothing is changed by asking.

import { useQuery } from "@tanstack/react-query";
import { Descriptions, Skeleton, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { ProblemAlert } from "@/parts/problem";
import { bodyOf, type NewDomain } from "./add-values";
import { Warnings } from "./warnings";

export function Review({ values }: { values: NewDomain }) {
  const { t } = useTranslation(["domains", "configure", "common"]);
  const body = bodyOf(values);
  const trial = useQuery({
    queryKey: ["domain-trial", body],
    queryFn: ({ signal }) => got(api.POST("/v1/domains", { params: { query: { dry_run: true } }, body, signal })),
    gcTime: 0,
    staleTime: 0,
  });
  const { settings } = values;
  return (
    <>
      <ProblemAlert error={trial.error} onRetry={() => trial.refetch()} />
      {trial.isPending && <Skeleton active paragraph={{ rows: 2 }} />}
      {trial.data && <Warnings warnings={trial.data.warnings} />}
      <Descriptions
        column={1}
        bordered
        size="small"
        items={[
          { key: "name", label: t("name"), children: trial.data?.name ?? body.name },
          ...(trial.data ? [{ key: "account", label: t("account"), children: trial.data.account_name }] : []),
          { key: "acceleration", label: t("acceleration"), children: t(`accelerations.${settings.acceleration}`) },
          {
            key: "region",
            label: t("configure:basics.region"),
            children: t(`configure:regions.${values.service_region}`),
          },
          { key: "icp", label: t("configure:basics.icp"), children: body.icp_number ?? t("common:none") },
          {
            key: "origins",
            label: t("configure:origins.title"),
            children: (
              <ul style={{ margin: 0, paddingInlineStart: 20 }}>
                {settings.origins.map((origin, place) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a list that does not change while it is shown
                  <li key={place}>
                    {t("adding.origin", {
                      host: origin.host,
                      http: origin.http_port === "off" ? t("off") : origin.http_port,
                      https: origin.https_port === "off" ? t("off") : origin.https_port,
                      priority: t(`configure:origins.priorities.${origin.priority ?? "primary"}`),
                    })}
                  </li>
                ))}
              </ul>
            ),
          },
          { key: "websocket", label: "WebSocket", children: settings.websocket.enabled ? t("on") : t("off") },
          ...(settings.websocket.enabled
            ? [
                {
                  key: "scheme",
                  label: t("configure:dialog.origin_scheme"),
                  children: t(`configure:scheme.${settings.websocket.origin_scheme ?? "follow"}`),
                },
              ]
            : []),
        ]}
      />
      <Typography.Paragraph type="secondary" style={{ marginTop: 16 }}>
        {t("adding.then")}
      </Typography.Paragraph>
    </>
  );
}
