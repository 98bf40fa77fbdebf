// Charts of the last five minutes, a point a second; where the stream was interrupted the curve is too.

import type { EChartsCoreOption } from "echarts/core";
import { legendBase, tooltipBase, valueAxis } from "../chart/axis";
import { colorAt, type Look } from "../chart/look";
import { clockSeconds } from "../zone";
import { type LivePoint, liveWindow } from "./use-live";

export interface LiveCurve {
  id: string;
  name: string;
  of: (point: LivePoint) => number | undefined;
}

export interface LiveChart {
  curves: LiveCurve[];
  format: (n: number) => string;
  whole: boolean;
  first: number; // place in the palette
}

const interrupted = 3_000;

interface TooltipItem {
  axisValue?: number;
  seriesName?: string;
  marker?: string;
  value?: [number, number | null];
}

function data(points: LivePoint[], of: LiveCurve["of"]): [number, number | null][] {
  const out: [number, number | null][] = [];
  let before: number | undefined;
  for (const point of points) {
    if (before !== undefined && point.at - before > interrupted) out.push([before + 1, null]);
    out.push([point.at, of(point) ?? null]);
    before = point.at;
  }
  return out;
}

export function liveOption(
  chart: LiveChart,
  points: LivePoint[],
  look: Look,
  zone: string,
  about: string,
): EChartsCoreOption {
  const last = points.at(-1)?.at ?? 0;
  const tooltip = (items: TooltipItem[]) => {
    const lines = items.flatMap((item) =>
      item.value?.[1] == null ? [] : [`${item.marker ?? ""} ${item.seriesName}  ${chart.format(item.value[1])}`],
    );
    return [clockSeconds(items[0]?.axisValue ?? last, zone), ...lines].join("\n");
  };
  return {
    animation: false,
    aria: { enabled: true, label: { enabled: true, description: about } },
    grid: { top: 36, left: 8, right: 20, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: { ...legendBase(look), data: chart.curves.map((curve) => curve.name) },
    tooltip: { ...tooltipBase(look), formatter: tooltip },
    xAxis: {
      id: "time",
      type: "time",
      min: last - liveWindow,
      max: last,
      axisLine: { lineStyle: { color: look.border } },
      axisLabel: {
        color: look.faint,
        fontFamily: look.font,
        hideOverlap: true,
        formatter: (ms: number) => clockSeconds(ms, zone),
      },
      splitLine: { show: false },
    },
    yAxis: valueAxis(look, chart.format, chart.whole),
    series: chart.curves.map((curve, i) => {
      const color = colorAt(look, chart.first + i);
      return {
        id: curve.id,
        name: curve.name,
        type: "line",
        showSymbol: false,
        // The first is filled, the second is not: they differ without their colours.
        ...(i === 0 ? { areaStyle: { color, opacity: 0.14 } } : {}),
        lineStyle: { color, width: i === 0 ? 2 : 1.5 },
        itemStyle: { color },
        data: data(points, curve.of),
      };
    }),
  };
}
