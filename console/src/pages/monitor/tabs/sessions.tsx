// Sessions: how many were open, opened and closed, why they ended, and how long opening handshakes took.

import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { useZone } from "../account-zone";
import { Figure } from "../chart/figure";
import type { HistoryChart } from "../chart/history";
import { type Answered, csvOf, useStatistics } from "../data";
import type { Filters } from "../filters";
import { curve, largest, mostCurves, seriesName, slotsOf } from "../plot";
import { average, milliseconds } from "./numbers";
import { Choice, NoSeries, Nothing } from "./parts";
import { Causes, Durations, SessionsByDomain } from "./session-tables";
import { View } from "./view";

type Answer = Schemas["SessionStatistics"];
type Point = Schemas["SessionFigures"];
type Measure = "open" | "churn" | "handshake";

export default function SessionsTab({ filters }: { filters: Filters }) {
  const more = { group: filters.compare ? ("domain" as const) : ("none" as const) };
  const query = useStatistics("sessions", filters, more);
  return (
    <View query={query} interval={filters.interval}>
      {(data) => <Shown data={data} stale={query.isPlaceholderData} filters={filters} />}
    </View>
  );
}

// What each measure draws: several curves of one, or one of each domain.
const drawn: Record<Measure, { id: string; of: (point: Point) => number | null }[]> = {
  open: [{ id: "open", of: (point) => point.average_open }],
  churn: [
    { id: "opened", of: (point) => point.opened },
    { id: "closed", of: (point) => point.closed },
  ],
  handshake: [
    { id: "p90", of: (point) => point.handshake.p90_ms },
    { id: "p50", of: (point) => point.handshake.p50_ms },
    { id: "p99", of: (point) => point.handshake.p99_ms },
    { id: "origin", of: (point) => point.origin.p90_ms },
  ],
};

function Shown({ data, stale, filters }: { data: Answered<Answer>; stale: boolean; filters: Filters }) {
  const { t } = useTranslation("monitor");
  const zone = useZone();
  const [measure, setMeasure] = useState<Measure>("open");
  const { answer, asked } = data;
  const compared = answer.group === "domain";

  const chart = useMemo((): HistoryChart => {
    const slots = slotsOf(answer, answer.series[0]?.points.map((point) => point.time) ?? [], asked);
    const main = drawn[measure][0];
    const curves = compared
      ? largest(answer.series, (one) => main?.of(one.total) ?? 0).map((one) => {
          const { id, name } = seriesName(one, (domain) => t("deleted-domain", { domain }));
          return curve(
            slots,
            id,
            name,
            one.points.map((point) => main?.of(point) ?? null),
          );
        })
      : answer.series
          .slice(0, 1)
          .flatMap((one) =>
            drawn[measure].map(({ id, of }) => curve(slots, id, t(`session-curves.${id}`), one.points.map(of))),
          );
    return {
      plot: { slots, curves },
      kind: "line",
      filled: !compared && measure === "open",
      format: measure === "handshake" ? milliseconds : average,
      whole: measure === "churn",
    };
  }, [answer, asked, compared, measure, t]);

  const first = answer.series[0];
  if (!first) return <NoSeries />;
  return (
    <>
      {answer.series.every(({ total }) => total.opened + total.closed === 0 && total.average_open === 0) && <Nothing />}
      <Figure
        shape={`${answer.group} ${measure}`}
        title={compared ? t(`session-compared.${measure}`) : t(`session-title.${measure}`)}
        about={
          compared && answer.series.length > mostCurves
            ? t("largest-drawn", { count: mostCurves, all: answer.series.length })
            : measure === "handshake"
              ? t("percentiles-about")
              : t("of-interval", { interval: t(`intervals.${answer.interval}`) })
        }
        kind="sessions"
        range={answer}
        chart={chart}
        stale={stale}
        csv={() => csvOf("sessions", filters, zone, { group: compared ? "domain" : "none" })}
        controls={
          <Choice<Measure>
            label={t("measure")}
            value={measure}
            options={(["open", "churn", "handshake"] as const).map((value) => ({
              value,
              label: t(`measures.${value}`),
            }))}
            onChange={setMeasure}
          />
        }
      />
      {compared ? (
        <SessionsByDomain series={answer.series} />
      ) : (
        <>
          <Durations total={first.total} />
          <Causes total={first.total} />
        </>
      )}
    </>
  );
}
