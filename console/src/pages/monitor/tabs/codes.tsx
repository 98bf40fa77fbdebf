// HTTP status codes: how opening handshakes were answered, counts or proportions by interval, and each code's share.

import { Select } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { count, percent } from "@/parts/format";
import { WideTable } from "@/parts/wide-table";
import { useZone } from "../account-zone";
import { Figure } from "../chart/figure";
import type { HistoryChart } from "../chart/history";
import { type Answered, csvOf, useStatistics } from "../data";
import type { Filters } from "../filters";
import { curve, largest, mostCurves, seriesName, slotsOf } from "../plot";
import { Choice, Heading, NoSeries, Nothing, ShareBar } from "./parts";
import { View } from "./view";

type Answer = Schemas["HttpCodeStatistics"];
type Series = Answer["series"][number];
type Codes = Schemas["HttpCodes"];
type Measure = "counts" | "proportions";

const tenThousand = 10_000;

export default function CodesTab({ filters }: { filters: Filters }) {
  const more = { group: filters.compare ? ("domain" as const) : ("none" as const) };
  const query = useStatistics("http-codes", filters, more);
  return (
    <View query={query} interval={filters.interval}>
      {(data) => <Shown data={data} stale={query.isPlaceholderData} filters={filters} />}
    </View>
  );
}

// Of one code, or (-1) of all.
function value(codes: Codes, total: number, code: number, measure: Measure): number {
  if (code === -1) return measure === "counts" ? total : total > 0 ? tenThousand : 0;
  const found = codes.find((one) => one.code === code);
  return (measure === "counts" ? found?.count : found?.proportion) ?? 0;
}

function Shown({ data, stale, filters }: { data: Answered<Answer>; stale: boolean; filters: Filters }) {
  const { t } = useTranslation("monitor");
  const zone = useZone();
  const [measure, setMeasure] = useState<Measure>("counts");
  const [code, setCode] = useState(-1);
  const { answer, asked } = data;
  const compared = answer.group === "domain";
  const present = useMemo(
    () => [...new Set(answer.series.flatMap((one) => one.codes.map((found) => found.code)))].sort((a, b) => a - b),
    [answer],
  );
  const codeName = (of: number) => (of === 0 ? t("code-none") : String(of));

  const chart = useMemo((): HistoryChart => {
    const slots = slotsOf(answer, answer.series[0]?.points.map((point) => point.time) ?? [], asked);
    const values = (one: Series, of: number) => one.points.map((point) => value(point.codes, point.total, of, measure));
    const curves = compared
      ? largest(answer.series, (one) => value(one.codes, one.total, code, "counts")).map((one) => {
          const { id, name } = seriesName(one, (domain) => t("deleted-domain", { domain }));
          return curve(slots, id, name, values(one, code));
        })
      : answer.series
          .slice(0, 1)
          .flatMap((one) =>
            present.map((of) => curve(slots, String(of), of === 0 ? t("code-none") : String(of), values(one, of))),
          );
    return {
      plot: { slots, curves },
      kind: compared ? "line" : "bar",
      stacked: !compared,
      format: measure === "counts" ? count : (n) => percent(n / tenThousand),
      whole: measure === "counts",
      most: measure === "proportions" ? tenThousand : undefined,
    };
  }, [answer, asked, code, compared, measure, present, t]);

  if (answer.series.length === 0) return <NoSeries />;
  const controls = (
    <>
      <Choice<Measure>
        label={t("measure")}
        value={measure}
        options={(["counts", "proportions"] as const).map((of) => ({ value: of, label: t(`measures.${of}`) }))}
        onChange={setMeasure}
      />
      {compared && (
        <Select<number>
          aria-label={t("code")}
          style={{ minWidth: 140 }}
          value={code}
          onChange={setCode}
          options={[{ value: -1, label: t("all-codes") }, ...present.map((of) => ({ value: of, label: codeName(of) }))]}
        />
      )}
    </>
  );
  return (
    <>
      {present.length === 0 && <Nothing />}
      <Figure
        shape={`${answer.group} ${measure}`}
        title={t("codes-title")}
        about={
          compared && answer.series.length > mostCurves
            ? t("largest-drawn", { count: mostCurves, all: answer.series.length })
            : t("of-interval", { interval: t(`intervals.${answer.interval}`) })
        }
        kind="http-codes"
        range={answer}
        chart={chart}
        stale={stale}
        csv={() => csvOf("http-codes", filters, zone, { group: compared ? "domain" : "none" })}
        controls={controls}
      />
      <Heading>{t("codes-table")}</Heading>
      {compared ? <ByDomain series={answer.series} present={present} /> : <All codes={answer.series[0]?.codes ?? []} />}
    </>
  );
}

function All({ codes }: { codes: Codes }) {
  const { t } = useTranslation("monitor");
  return (
    <WideTable
      aria-label={t("codes-table")}
      size="small"
      rowKey="code"
      dataSource={codes}
      pagination={false}
      locale={{ emptyText: t("no-handshakes") }}
      width={640}
      columns={[
        {
          title: t("code"),
          dataIndex: "code",
          width: 140,
          sorter: (a, b) => a.code - b.code,
          render: (code: number) => (code === 0 ? t("code-none") : code),
        },
        {
          title: t("meaning"),
          key: "meaning",
          render: (_, { code }) => t(`meanings.${code}`, { defaultValue: "" }),
        },
        {
          title: t("count"),
          dataIndex: "count",
          width: 120,
          align: "end",
          defaultSortOrder: "descend",
          sorter: (a, b) => a.count - b.count,
          render: (n: number) => count(n),
        },
        {
          title: t("proportion"),
          dataIndex: "proportion",
          width: 180,
          sorter: (a, b) => a.proportion - b.proportion,
          render: (n: number) => <ShareBar share={n / tenThousand}>{percent(n / tenThousand)}</ShareBar>,
        },
      ]}
    />
  );
}

function ByDomain({ series, present }: { series: Series[]; present: number[] }) {
  const { t } = useTranslation("monitor");
  return (
    <WideTable<Series>
      aria-label={t("codes-table")}
      size="small"
      rowKey={(one) => one.domain_id ?? one.domain ?? ""}
      dataSource={[...series].sort((a, b) => b.total - a.total)}
      pagination={{ defaultPageSize: 20, hideOnSinglePage: true, showSizeChanger: false, size: "small" }}
      width={340 + present.length * 150}
      columns={[
        {
          title: t("domain"),
          key: "domain",
          width: 220,
          fixed: "start",
          ellipsis: true,
          render: (_, one) => seriesName(one, (domain) => t("deleted-domain", { domain })).name,
        },
        {
          title: t("total"),
          dataIndex: "total",
          width: 120,
          align: "end",
          sorter: (a, b) => a.total - b.total,
          render: (n: number) => count(n),
        },
        ...present.map((code) => ({
          title: code === 0 ? t("code-none") : String(code),
          key: code,
          width: 150,
          align: "end" as const,
          sorter: (a: Series, b: Series) =>
            value(a.codes, a.total, code, "counts") - value(b.codes, b.total, code, "counts"),
          render: (_: unknown, one: Series) =>
            t("count-and-share", {
              number: count(value(one.codes, one.total, code, "counts")),
              share: percent(value(one.codes, one.total, code, "proportions") / tenThousand),
            }),
        })),
      ]}
    />
  );
}
