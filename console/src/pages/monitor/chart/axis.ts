// The axes of charts: times by the account's clock at whole hours or days, figures with their units.

import { clock, monthDay, wallOf } from "../zone";
import type { Look } from "./look";

const hour = 3600;
const steps = [300, 600, 900, 1800, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, 24 * hour, 48 * hour, 7 * 24 * hour];
const mostLabels = 10;

// What the axis says at each slot's beginning; "" where it says nothing.
export function timeLabels(times: number[], zone: string): string[] {
  const first = times[0];
  const last = times[times.length - 1];
  if (first === undefined || last === undefined) return [];
  const span = (last - first) / 1000;
  const step = steps.find((s) => span / s <= mostLabels) ?? 14 * 24 * hour;
  return times.map((time, i) => {
    const wall = wallOf(time, zone);
    const minutes = wall.hour * 60 + wall.minute;
    if (step < 24 * hour) {
      if ((minutes * 60) % step !== 0) return "";
      return minutes === 0 ? monthDay(time, zone) : clock(time, zone);
    }
    const before = times[i - 1];
    const begins = before === undefined ? minutes === 0 : wallOf(before, zone).day !== wall.day;
    if (!begins) return "";
    const days = Math.round(Date.UTC(wall.year, wall.month - 1, wall.day) / 86_400_000);
    return days % (step / 86_400) === 0 ? monthDay(time, zone) : "";
  });
}

export const textStyle = (look: Look) => ({ color: look.text, fontFamily: look.font });

export function valueAxis(look: Look, format: (n: number) => string, whole: boolean) {
  return {
    id: "value",
    type: "value",
    min: 0,
    minInterval: whole ? 1 : undefined,
    axisLabel: { color: look.faint, fontFamily: look.font, formatter: format, hideOverlap: true },
    splitLine: { lineStyle: { color: look.line } },
  };
}

export function tooltipBase(look: Look) {
  return {
    trigger: "axis",
    // Drawn on the canvas: the pages' policy lets no markup with styles in.
    renderMode: "richText",
    confine: true,
    backgroundColor: look.elevated,
    borderColor: look.border,
    textStyle: { ...textStyle(look), fontSize: 13, lineHeight: 20 },
    transitionDuration: 0,
  };
}

export function legendBase(look: Look) {
  return {
    type: "scroll",
    top: 0,
    left: 0,
    textStyle: textStyle(look),
    inactiveColor: look.faint,
    pageIconColor: look.text,
    pageTextStyle: textStyle(look),
  };
}
