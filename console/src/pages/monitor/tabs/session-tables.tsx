// Tables about sessions: why they ended, how long handshakes took, and domain beside domain.

import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { count, percent } from "@/parts/format";
import { WideTable } from "@/parts/wide-table";
import { seriesName } from "../plot";
import { average, milliseconds } from "./numbers";
import { Heading, ShareBar } from "./parts";

type Figures = Schemas["SessionFigures"];
type Series = Schemas["SessionStatistics"]["series"][number];

export function Causes({ total }: { total: Figures }) {
  const { t } = useTranslation("monitor");
  const rows = Object.entries(total.closed_by_cause as Record<string, number>)
    .map(([cause, closed]) => ({ cause, closed }))
    .sort((a, b) => b.closed - a.closed);
  return (
    <>
      <Heading>{t("causes-title")}</Heading>
      <WideTable
        aria-label={t("causes-title")}
        size="small"
        rowKey="cause"
        dataSource={rows}
        pagination={false}
        locale={{ emptyText: t("none-closed") }}
        width={560}
        columns={[
          {
            title: t("cause"),
            dataIndex: "cause",
            render: (cause: string) => t(`causes.${cause}`, { defaultValue: cause }),
          },
          {
            title: t("closed"),
            dataIndex: "closed",
            width: 120,
            align: "end",
            sorter: (a, b) => a.closed - b.closed,
            render: (n: number) => count(n),
          },
          {
            title: t("proportion"),
            key: "share",
            width: 180,
            render: (_, { closed }) => {
              const share = total.closed > 0 ? closed / total.closed : 0;
              return <ShareBar share={share}>{percent(share)}</ShareBar>;
            },
          },
        ]}
      />
    </>
  );
}

export function Durations({ total }: { total: Figures }) {
  const { t } = useTranslation("monitor");
  const rows = (["handshake", "origin"] as const).map((what) => ({ what, ...total[what] }));
  type Row = (typeof rows)[number];
  const figure = (key: "mean_ms" | "p50_ms" | "p90_ms" | "p99_ms") => ({
    title: t(`durations.${key}`),
    key,
    width: 130,
    align: "end" as const,
    render: (_: unknown, row: Row) => {
      const value = row[key];
      if (value !== null) return key === "mean_ms" ? milliseconds(value) : t("at-most", { time: milliseconds(value) });
      return row.count > 0 ? t("too-long") : t("no-data");
    },
  });
  return (
    <>
      <Heading>{t("durations-title")}</Heading>
      <WideTable<Row>
        aria-label={t("durations-title")}
        size="small"
        rowKey="what"
        dataSource={rows}
        pagination={false}
        style={{ marginBottom: 16 }}
        width={860}
        columns={[
          { title: t("duration"), dataIndex: "what", render: (what: Row["what"]) => t(`durations.${what}`) },
          { title: t("count"), dataIndex: "count", width: 110, align: "end", render: (n: number) => count(n) },
          figure("mean_ms"),
          figure("p50_ms"),
          figure("p90_ms"),
          figure("p99_ms"),
        ]}
      />
    </>
  );
}

export function SessionsByDomain({ series }: { series: Series[] }) {
  const { t } = useTranslation("monitor");
  const number = (title: string, key: string, of: (total: Figures) => number | null, shown: (n: number) => string) => ({
    title,
    key,
    width: 150,
    align: "end" as const,
    sorter: (a: Series, b: Series) => (of(a.total) ?? 0) - (of(b.total) ?? 0),
    render: (_: unknown, one: Series) => {
      const value = of(one.total);
      return value === null ? t("no-data") : shown(value);
    },
  });
  return (
    <>
      <Heading>{t("totals")}</Heading>
      <WideTable<Series>
        aria-label={t("totals")}
        size="small"
        rowKey={(one) => one.domain_id ?? one.domain ?? ""}
        dataSource={[...series].sort((a, b) => b.total.average_open - a.total.average_open)}
        pagination={{ defaultPageSize: 20, hideOnSinglePage: true, showSizeChanger: false, size: "small" }}
        width={970}
        columns={[
          {
            title: t("domain"),
            key: "domain",
            width: 220,
            fixed: "start",
            ellipsis: true,
            render: (_, one) => seriesName(one, (domain) => t("deleted-domain", { domain })).name,
          },
          number(t("measures.open"), "open", (total) => total.average_open, average),
          number(t("opened"), "opened", (total) => total.opened, count),
          number(t("closed"), "closed", (total) => total.closed, count),
          number(t("session-curves.p50"), "p50", (total) => total.handshake.p50_ms, milliseconds),
          number(t("session-curves.p99"), "p99", (total) => total.handshake.p99_ms, milliseconds),
        ]}
      />
    </>
  );
}
