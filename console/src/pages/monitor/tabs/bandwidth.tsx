// Bandwidth: bits per second of each interval, both ways or domain against domain.

import { Select } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { bitsPerSecond } from "@/parts/format";
import { WideTable } from "@/parts/wide-table";
import { useZone } from "../account-zone";
import { Figure } from "../chart/figure";
import type { HistoryChart } from "../chart/history";
import { type Answered, csvOf, useStatistics } from "../data";
import type { Basis, Filters } from "../filters";
import { curve, largest, mostCurves, seriesName, slotsOf } from "../plot";
import { moment } from "../zone";
import { DirectionChoice, Heading, NoSeries, Nothing } from "./parts";
import { View } from "./view";

type Answer = Schemas["BandwidthStatistics"];
type Figures = Schemas["BandwidthFigures"];

interface Props {
  filters: Filters;
  onChange: (change: Partial<Filters>) => void;
}

interface Row {
  key: string;
  name: string;
  out: Figures;
  in: Figures;
}

export default function BandwidthTab({ filters, onChange }: Props) {
  const more = { group: filters.compare ? ("domain" as const) : ("none" as const) };
  const query = useStatistics("bandwidth", filters, more);
  return (
    <View query={query} interval={filters.interval}>
      {(data) => <Shown data={data} stale={query.isPlaceholderData} filters={filters} onChange={onChange} />}
    </View>
  );
}

function Shown({ data, stale, filters, onChange }: Props & { data: Answered<Answer>; stale: boolean }) {
  const { t } = useTranslation("monitor");
  const zone = useZone();
  const { answer, asked } = data;
  const { direction } = filters;
  const compared = answer.group === "domain";

  const chart = useMemo((): HistoryChart => {
    const slots = slotsOf(answer, answer.series[0]?.points.map((point) => point.time) ?? [], asked);
    const curves = compared
      ? largest(answer.series, (one) => one[direction].peak).map((one) => {
          const { id, name } = seriesName(one, (domain) => t("deleted-domain", { domain }));
          return curve(
            slots,
            id,
            name,
            one.points.map((point) => point[direction]),
          );
        })
      : answer.series.slice(0, 1).flatMap((one) =>
          (["out", "in"] as const).map((way) =>
            curve(
              slots,
              way,
              t(way),
              one.points.map((point) => point[way]),
            ),
          ),
        );
    return { plot: { slots, curves }, kind: "line", filled: !compared, format: bitsPerSecond };
  }, [answer, asked, compared, direction, t]);

  if (answer.series.length === 0) return <NoSeries />;
  const rows = answer.series.map((one, i): Row => {
    const { id, name } = seriesName(one, (domain) => t("deleted-domain", { domain }));
    return { key: id || String(i), name: compared ? name : t("all-together"), out: one.out, in: one.in };
  });
  const figures = (way: "out" | "in") => [
    {
      title: t("peak"),
      key: `${way} peak`,
      width: 220,
      sorter: (a: Row, b: Row) => a[way].peak - b[way].peak,
      render: (_: unknown, row: Row) =>
        row[way].peak > 0
          ? t("peak-when", {
              peak: bitsPerSecond(row[way].peak),
              time: moment(Date.parse(row[way].peak_time), zone),
            })
          : bitsPerSecond(0),
    },
    {
      title: t("percentile-95"),
      key: `${way} 95`,
      width: 130,
      align: "end" as const,
      sorter: (a: Row, b: Row) => a[way].percentile_95 - b[way].percentile_95,
      render: (_: unknown, row: Row) => bitsPerSecond(row[way].percentile_95),
    },
    {
      title: t("average"),
      key: `${way} average`,
      width: 130,
      align: "end" as const,
      sorter: (a: Row, b: Row) => a[way].average - b[way].average,
      render: (_: unknown, row: Row) => bitsPerSecond(row[way].average),
    },
  ];
  return (
    <>
      {answer.series.every((one) => one.out.peak === 0 && one.in.peak === 0) && <Nothing />}
      <Figure
        shape={answer.group}
        title={t("bandwidth-title")}
        about={
          compared && answer.series.length > mostCurves
            ? t("largest-drawn", { count: mostCurves, all: answer.series.length })
            : t("of-interval", { interval: t(`intervals.${answer.interval}`) })
        }
        kind="bandwidth"
        range={answer}
        chart={chart}
        stale={stale}
        csv={() => csvOf("bandwidth", filters, zone, { group: compared ? "domain" : "none" })}
        controls={
          <>
            {compared && <DirectionChoice value={direction} onChange={(way) => onChange({ direction: way })} />}
            <Select<Basis>
              aria-label={t("basis")}
              value={filters.basis}
              onChange={(basis) => onChange({ basis })}
              popupMatchSelectWidth={false}
              options={[
                { value: "frames", label: t("basis-frames") },
                { value: "wire", label: t("basis-wire") },
              ]}
            />
          </>
        }
      />
      <Heading>{t("figures")}</Heading>
      <WideTable<Row>
        aria-label={t("figures")}
        size="small"
        bordered
        rowKey="key"
        dataSource={compared ? [...rows].sort((a, b) => b[direction].peak - a[direction].peak) : rows}
        pagination={{ defaultPageSize: 20, hideOnSinglePage: true, showSizeChanger: false, size: "small" }}
        width={1180}
        columns={[
          { title: t("domain"), dataIndex: "name", width: 220, fixed: "start", ellipsis: true },
          { title: t("out"), key: "out", children: figures("out") },
          { title: t("in"), key: "in", children: figures("in") },
        ]}
      />
    </>
  );
}
