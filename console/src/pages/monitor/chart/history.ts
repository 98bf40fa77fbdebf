// A chart of the past. What is not whole is lighter and dashed; where nothing is known a hatched band stands, which the
// legend names: neither looks like a zero.

import type { EChartsCoreOption } from "echarts/core";
import { type Curve, isGap, isPartial, type Plot, type Slot } from "../plot";
import { legendBase, timeLabels, tooltipBase, valueAxis } from "./axis";
import { colorAt, type Look, symbolAt } from "./look";

export interface HistoryChart {
  plot: Plot;
  kind: "line" | "bar";
  stacked?: boolean;
  filled?: boolean; // the first curve's area
  format: (n: number) => string;
  whole?: boolean; // values are whole numbers
  most?: number; // where the axis ends, of proportions
}

interface Words {
  about: string; // for those who do not see it
  gap: string;
  slot: (slot: Slot) => string; // its time, and what is the matter with it
}

interface TooltipItem {
  dataIndex: number;
  seriesId?: string;
  seriesName?: string;
  marker?: string;
}

const manyPoints = 60;

function line(curve: Curve, i: number, slots: Slot[], look: Look, filled: boolean): object[] {
  const partial = slots.map(isPartial);
  const color = colorAt(look, i);
  const base = {
    type: "line",
    name: curve.name,
    symbol: symbolAt(i),
    symbolSize: 6,
    showAllSymbol: "auto",
    connectNulls: false,
    itemStyle: { color },
    emphasis: { focus: "series" },
  };
  const whole = {
    ...base,
    id: curve.id,
    data: curve.values.map((value, at) => (partial[at] ? null : value)),
    lineStyle: { color, width: 2 },
    ...(filled ? { areaStyle: { color, opacity: 0.12 } } : {}),
  };
  if (!partial.includes(true)) return [whole];
  return [
    whole,
    {
      ...base,
      id: `${curve.id} partial`,
      // From the whole point beside it, that it hangs together.
      data: curve.values.map((value, at) => (partial[at] || partial[at - 1] || partial[at + 1] ? value : null)),
      lineStyle: { color, width: 2, type: "dashed", opacity: 0.6 },
      itemStyle: { color, opacity: 0.6 },
    },
  ];
}

function bar(curve: Curve, i: number, slots: Slot[], look: Look, stacked: boolean): object {
  const color = colorAt(look, i);
  return {
    type: "bar",
    id: curve.id,
    name: curve.name,
    stack: stacked ? "all" : undefined,
    barMaxWidth: 40,
    itemStyle: { color },
    emphasis: { focus: "series" },
    data: curve.values.map((value, at) => {
      const slot = slots[at];
      if (!slot || !isPartial(slot)) return value;
      return { value, itemStyle: { color, opacity: 0.5, borderColor: color, borderType: "dashed", borderWidth: 1 } };
    }),
  };
}

function band(slots: Slot[], look: Look, name: string): object {
  return {
    type: "bar",
    id: "gap",
    name,
    xAxisIndex: 1,
    yAxisIndex: 1,
    barWidth: "100%",
    silent: true,
    z: 1,
    itemStyle: {
      color: look.gap,
      decal: {
        symbol: "rect",
        dashArrayX: [1, 0],
        dashArrayY: [2, 6],
        rotation: Math.PI / 4,
        color: look.border,
      },
    },
    data: slots.map((slot) => (isGap(slot) ? 1 : null)),
  };
}

export function historyOption(chart: HistoryChart, look: Look, zone: string, words: Words): EChartsCoreOption {
  const { plot, kind, stacked = false, format } = chart;
  const { slots, curves } = plot;
  const labels = timeLabels(
    slots.map((slot) => slot.time),
    zone,
  );
  const gaps = slots.some(isGap);
  const series = curves.flatMap((curve, i) =>
    kind === "line"
      ? line(curve, i, slots, look, chart.filled === true && i === 0)
      : [bar(curve, i, slots, look, stacked)],
  );
  if (gaps) series.push(band(slots, look, words.gap));
  const zoomed = slots.length > manyPoints;
  const categories = slots.map((_, i) => String(i));

  const tooltip = (items: TooltipItem[]) => {
    const at = items[0]?.dataIndex ?? 0;
    const slot = slots[at];
    if (!slot) return "";
    const shown = new Map(items.map((item) => [item.seriesName, item.marker ?? ""]));
    const lines = curves.flatMap((curve) => {
      const value = curve.values[at];
      const marker = shown.get(curve.name);
      // Of the many that are stacked, those that are there.
      if (marker === undefined || value == null || (stacked && value === 0)) return [];
      return [`${marker} ${curve.name}  ${format(value)}`];
    });
    return [words.slot(slot), ...lines].join("\n");
  };

  return {
    animation: false,
    aria: {
      enabled: true,
      label: { enabled: true, description: words.about },
      decal: { show: kind === "bar" && curves.length > 1 },
    },
    grid: {
      top: 40,
      left: 8,
      right: 16,
      bottom: zoomed ? 52 : 8,
      outerBoundsMode: "same",
      outerBoundsContain: "axisLabel",
    },
    legend: { ...legendBase(look), data: [...curves.map((curve) => curve.name), ...(gaps ? [words.gap] : [])] },
    tooltip: { ...tooltipBase(look), formatter: tooltip },
    xAxis: [
      {
        id: "time",
        type: "category",
        data: categories,
        boundaryGap: kind === "bar" || gaps, // as that of the band
        axisLine: { lineStyle: { color: look.border } },
        axisTick: { show: false },
        axisLabel: {
          color: look.faint,
          fontFamily: look.font,
          hideOverlap: true,
          interval: (i: number) => labels[i] !== "",
          formatter: (_: string, i: number) => labels[i] ?? "",
        },
        axisPointer: { label: { show: false } },
      },
      {
        id: "gaps",
        type: "category",
        data: categories,
        show: false,
        axisPointer: { show: false, triggerTooltip: false },
      },
    ],
    yAxis: [
      { ...valueAxis(look, format, chart.whole === true), max: chart.most },
      { id: "band", type: "value", min: 0, max: 1, show: false, axisPointer: { show: false, triggerTooltip: false } },
    ],
    dataZoom: [
      // The wheel scrolls the page; with Ctrl it zooms.
      { id: "inside", type: "inside", xAxisIndex: [0, 1], zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false },
      {
        id: "slider",
        type: "slider",
        xAxisIndex: [0, 1],
        show: zoomed,
        height: 22,
        bottom: 8,
        showDetail: false,
        brushSelect: false,
        borderColor: look.line,
        textStyle: { color: look.faint },
      },
    ],
    series,
  };
}
