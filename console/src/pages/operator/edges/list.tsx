// Edges: what each runs, obeys and carries, every two seconds anew; and on demand, whether what they obey is what the
// store says.

import { useQuery } from "@tanstack/react-query";
import { Alert, Card, Empty, Flex, Statistic, Table, Tag, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { count, dateTime } from "@/parts/format";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { ScrollBox } from "@/parts/scroll-box";
import { Comparison } from "./comparison";

type Edge = Schemas["Edge"];

const stateColors: Record<Edge["state"], string> = {
  starting: "processing",
  running: "success",
  draining: "warning",
  stopped: "default",
};

export default function Edges() {
  const { t } = useTranslation("operator");
  const query = useQuery({
    queryKey: ["edges"],
    refetchInterval: 2_000,
    queryFn: ({ signal }) => got(api.GET("/v1/edges", { signal })),
  });
  const edges = query.data?.items ?? [];
  const newest = query.data?.policy_revision ?? 0;
  const sum = (of: (edge: Edge) => number) => count(edges.reduce((all, edge) => all + of(edge), 0));
  const behind = edges.filter((edge) => edge.policy_source !== "control" || edge.policy_revision < newest).length;

  return (
    <Page title={t("edges.title")} about={t("edges.about")}>
      <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      {query.isSuccess && (
        <Flex gap={48} wrap style={{ marginBottom: 16 }}>
          <Statistic title={t("edges.number")} value={count(edges.length)} />
          <Statistic title={t("edges.sessions")} value={sum((edge) => edge.sessions)} />
          <Statistic title={t("edges.connections")} value={sum((edge) => edge.connections)} />
          <Statistic title={t("edges.newest")} value={count(newest)} />
        </Flex>
      )}
      {behind > 0 && (
        <Alert
          type="warning"
          showIcon
          role="status"
          title={t("edges.behind", { count: behind })}
          style={{ marginBottom: 16 }}
        />
      )}
      {query.isSuccess && edges.length === 0 ? (
        <Empty description={t("edges.none")} />
      ) : (
        <ScrollBox label={t("edges.title")} width={1080}>
          <Table<Edge>
            rowKey="id"
            size="middle"
            pagination={false}
            loading={query.isPending}
            dataSource={edges}
            columns={[
              { title: t("edges.id"), dataIndex: "id", render: (id: string) => <code>{id}</code> },
              { title: t("edges.version"), dataIndex: "version" },
              {
                title: t("state"),
                dataIndex: "state",
                render: (state: Edge["state"]) => <Tag color={stateColors[state]}>{t(`edges.states.${state}`)}</Tag>,
              },
              {
                title: t("edges.policy"),
                key: "policy",
                render: (_, edge) => <Policy edge={edge} newest={newest} />,
              },
              { title: t("edges.domains"), dataIndex: "domains", align: "right", render: count },
              { title: t("edges.sessions"), dataIndex: "sessions", align: "right", render: count },
              { title: t("edges.connections"), dataIndex: "connections", align: "right", render: count },
              { title: t("edges.workers"), dataIndex: "workers", align: "right", render: count },
              { title: t("edges.started"), dataIndex: "started", render: (date: string) => dateTime(date) },
            ]}
          />
        </ScrollBox>
      )}
      <Card title={t("compare.title")} style={{ marginTop: 24 }}>
        <Comparison />
      </Card>
    </Page>
  );
}

function Policy({ edge, newest }: { edge: Edge; newest: number }) {
  const { t } = useTranslation("operator");
  const lag = Math.max(0, newest - edge.policy_revision);
  return (
    <Flex vertical gap={2} align="flex-start">
      <span>
        {count(edge.policy_revision)}{" "}
        {edge.policy_source !== "control" ? (
          <Tag color="warning">{t(`edges.sources.${edge.policy_source}`)}</Tag>
        ) : lag === 0 ? (
          <Tag color="success">{t("edges.is-newest")}</Tag>
        ) : (
          <Tag color="warning">{t("edges.lag", { count: lag })}</Tag>
        )}
      </span>
      {edge.policy_source !== "control" && (
        <Typography.Text type="secondary">{t(`edges.source-about.${edge.policy_source}`)}</Typography.Text>
      )}
      {edge.policy_applied && (
        <Typography.Text type="secondary">
          {t("edges.applied", { date: dateTime(edge.policy_applied) })}
        </Typography.Text>
      )}
    </Flex>
  );
}
