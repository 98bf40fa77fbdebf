// Traffic: bytes of each interval; the same chart shows messages and sessions opened.

import { Select } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { bytes, count } from "@/parts/format";
import { WideTable } from "@/parts/wide-table";
import { useZone } from "../account-zone";
import { Figure } from "../chart/figure";
import type { HistoryChart } from "../chart/history";
import { type Answered, csvOf, useStatistics } from "../data";
import type { Basis, Direction, Filters } from "../filters";
import { curve, largest, mostCurves, seriesName, slotsOf } from "../plot";
import { Choice, DirectionChoice, Heading, NoSeries, Nothing, ShareBar } from "./parts";
import { View } from "./view";

type Answer = Schemas["TrafficStatistics"];
type Figures = Schemas["TrafficFigures"];
type Measure = "bytes" | "messages" | "opened";

interface Props {
  filters: Filters;
  onChange: (change: Partial<Filters>) => void;
}

// As bars while they are wide enough to be seen.
const mostBars = 100;

function figure(of: Figures, measure: Measure, way: Direction, basis: Basis): number {
  if (measure === "opened") return of.sessions_opened ?? 0;
  if (measure === "messages") return (way === "out" ? of.messages_out : of.messages_in) ?? 0;
  if (basis === "wire") return way === "out" ? of.wire_bytes_out : of.wire_bytes_in;
  return way === "out" ? of.bytes_out : of.bytes_in;
}

export default function TrafficTab({ filters, onChange }: Props) {
  const more = { group: filters.compare ? ("domain" as const) : ("none" as const) };
  const query = useStatistics("traffic", filters, more);
  return (
    <View query={query} interval={filters.interval}>
      {(data) => <Shown data={data} stale={query.isPlaceholderData} filters={filters} onChange={onChange} />}
    </View>
  );
}

function Shown({ data, stale, filters, onChange }: Props & { data: Answered<Answer>; stale: boolean }) {
  const { t } = useTranslation("monitor");
  const zone = useZone();
  const [measure, setMeasure] = useState<Measure>("bytes");
  const { answer, asked } = data;
  const { direction, basis } = filters;
  const compared = answer.group === "domain";
  const format = measure === "bytes" ? bytes : count;

  const chart = useMemo((): HistoryChart => {
    const slots = slotsOf(answer, answer.series[0]?.points.map((point) => point.time) ?? [], asked);
    const values = (one: Answer["series"][number], way: Direction) =>
      one.points.map((point) => figure(point, measure, way, basis));
    const ways: Direction[] = measure === "opened" ? ["out"] : ["out", "in"];
    const curves = compared
      ? largest(answer.series, (one) => figure(one.total, measure, direction, basis)).map((one) => {
          const { id, name } = seriesName(one, (domain) => t("deleted-domain", { domain }));
          return curve(slots, id, name, values(one, direction));
        })
      : answer.series
          .slice(0, 1)
          .flatMap((one) =>
            ways.map((way) => curve(slots, way, measure === "opened" ? t("opened") : t(way), values(one, way))),
          );
    const bars = slots.length <= mostBars && (!compared || curves.length <= 4);
    return {
      plot: { slots, curves },
      kind: bars ? "bar" : "line",
      filled: !compared,
      format,
      whole: measure !== "bytes",
    };
  }, [answer, asked, basis, compared, direction, format, measure, t]);

  if (answer.series.length === 0) return <NoSeries />;
  const out = (of: Figures) => figure(of, "bytes", "out", basis);
  const into = (of: Figures) => figure(of, "bytes", "in", basis);
  const sum = answer.series.reduce((all, one) => all + out(one.total), 0);
  const rows = answer.series.map((one, i) => {
    const { id, name } = seriesName(one, (domain) => t("deleted-domain", { domain }));
    return { key: id || String(i), name: compared ? name : t("all-together"), total: one.total };
  });
  type Row = (typeof rows)[number];
  const column = (title: string, key: string, value: (of: Figures) => number, shown: (n: number) => string) => ({
    title,
    key,
    width: 150,
    align: "end" as const,
    sorter: (a: Row, b: Row) => value(a.total) - value(b.total),
    render: (_: unknown, row: Row) => shown(value(row.total)),
  });
  return (
    <>
      {answer.series.every((one) => out(one.total) + into(one.total) + (one.total.sessions_opened ?? 0) === 0) && (
        <Nothing />
      )}
      <Figure
        shape={`${answer.group} ${measure} ${chart.kind}`}
        title={t(`traffic-title.${measure}`)}
        about={
          compared && answer.series.length > mostCurves
            ? t("largest-drawn", { count: mostCurves, all: answer.series.length })
            : t("of-interval", { interval: t(`intervals.${answer.interval}`) })
        }
        kind="traffic"
        range={answer}
        chart={chart}
        stale={stale}
        csv={() => csvOf("traffic", filters, zone, { group: compared ? "domain" : "none" })}
        controls={
          <>
            <Choice<Measure>
              label={t("measure")}
              value={measure}
              options={(["bytes", "messages", "opened"] as const).map((value) => ({
                value,
                label: t(`measures.${value}`),
              }))}
              onChange={setMeasure}
            />
            {compared && measure !== "opened" && (
              <DirectionChoice value={direction} onChange={(way) => onChange({ direction: way })} />
            )}
            {measure === "bytes" && (
              <Select<Basis>
                aria-label={t("basis")}
                value={basis}
                onChange={(next) => onChange({ basis: next })}
                popupMatchSelectWidth={false}
                options={[
                  { value: "frames", label: t("basis-frames") },
                  { value: "wire", label: t("basis-wire") },
                ]}
              />
            )}
          </>
        }
      />
      <Heading>{t("totals")}</Heading>
      <WideTable<Row>
        aria-label={t("totals")}
        size="small"
        rowKey="key"
        dataSource={[...rows].sort((a, b) => out(b.total) - out(a.total))}
        pagination={{ defaultPageSize: 20, hideOnSinglePage: true, showSizeChanger: false, size: "small" }}
        width={1030}
        columns={[
          { title: t("domain"), dataIndex: "name", width: 220, fixed: "start", ellipsis: true },
          {
            ...column(t("traffic-out"), "out", out, bytes),
            width: 180,
            render: (_, row) => <ShareBar share={sum > 0 ? out(row.total) / sum : 0}>{bytes(out(row.total))}</ShareBar>,
          },
          column(t("traffic-in"), "in", into, bytes),
          column(t("messages-out"), "messages out", (of) => of.messages_out ?? 0, count),
          column(t("messages-in"), "messages in", (of) => of.messages_in ?? 0, count),
          column(t("opened"), "opened", (of) => of.sessions_opened ?? 0, count),
        ]}
      />
    </>
  );
}
