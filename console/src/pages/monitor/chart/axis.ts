// The axes of charts: times by the account's clock at whole hours or days, figures with their units.

import { clock, monthDay, wallOf } from "../zone";
import type { Look } from "./look";

const hour = 3600;
const day = 24 * hour;
const steps = [
  300,
  600,
  900,
  1800,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  3 * day,
  7 * day,
  14 * day,
];
const mostLabels = 14;

// What the axis says at each slot's beginning, where a step of the account's clock begins; "" elsewhere.
export function timeLabels(times: number[], zone: string): string[] {
  const first = times[0];
  const last = times[times.length - 1];
  if (first === undefined || last === undefined) return [];
  const span = (last - first) / 1000;
  const step = steps.find((s) => span / s <= mostLabels) ?? 14 * day;
  let before: number | undefined;
  let dayBefore: number | undefined;
  return times.map((time) => {
    const wall = wallOf(time, zone);
    // As if the wall's clock were UTC's: steps are of the wall.
    const seconds = Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute) / 1000;
    const place = Math.floor(seconds / step);
    const begins = before === undefined ? seconds % step === 0 : place !== before;
    before = place;
    const today = Math.floor(seconds / day);
    const dawns = seconds % day === 0 || (dayBefore !== undefined && today !== dayBefore);
    dayBefore = today;
    if (!begins) return "";
    return step >= day || dawns ? monthDay(time, zone) : clock(time, zone);
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
