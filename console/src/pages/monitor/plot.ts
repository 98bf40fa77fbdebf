// From an answer's points to what is drawn: slots of time, some of them not whole or without data, and a value of each curve
// in each. Pure.

import type { Head } from "./data";
import type { Range } from "./filters";

// cut: the range begins or ends within it; running: it is not over; removed: no longer kept; future: not begun.
export type SlotState = "whole" | "cut" | "running" | "removed" | "future";

export interface Slot {
  time: number; // milliseconds
  end: number;
  state: SlotState;
}

export const isGap = (slot: Slot) => slot.state === "removed" || slot.state === "future";
export const isPartial = (slot: Slot) => slot.state === "cut" || slot.state === "running";

export interface Curve {
  id: string;
  name: string;
  values: (number | null)[]; // by slot; null: no data
}

export interface Plot {
  slots: Slot[];
  curves: Curve[];
}

const mostGapSlots = 1000;

// `times`: where the answer's points begin.
export function slotsOf(head: Head, times: string[], asked: Range): Slot[] {
  const interval = head.interval * 1000;
  const start = Date.parse(head.start_time);
  const end = Date.parse(head.end_time);
  const said = new Set(head.notes.map((note) => note.code));
  // A day on which clocks change has 23 hours and is whole.
  const least = head.interval === 86400 ? interval - 3_600_000 : interval;
  const out: Slot[] = [];
  if (said.has("removed")) {
    for (let at = start; at > asked.start && out.length < mostGapSlots; at -= interval)
      out.unshift({ time: Math.max(asked.start, at - interval), end: at, state: "removed" });
  }
  const begins = times.map((time) => Date.parse(time));
  begins.forEach((time, i) => {
    const until = begins[i + 1] ?? end;
    const last = i === begins.length - 1;
    const edge = last || i === 0;
    const state = last && said.has("running") ? "running" : edge && until - time < least ? "cut" : "whole";
    out.push({ time, end: until, state });
  });
  if (said.has("future")) {
    const before = out.length;
    for (let at = end; at < asked.end && out.length - before < mostGapSlots; at += interval)
      out.push({ time: at, end: Math.min(asked.end, at + interval), state: "future" });
  }
  return out;
}

// A curve's values at the slots that have data.
export function curve(slots: Slot[], id: string, name: string, points: (number | null)[]): Curve {
  let i = 0;
  return { id, name, values: slots.map((slot) => (isGap(slot) ? null : (points[i++] ?? null))) };
}

// So many are told apart at a glance; the table and the CSV have the rest.
export const mostCurves = 12;

// In the order they came in, so that a curve keeps its colour when another overtakes it.
export function largest<T>(all: T[], by: (one: T) => number): T[] {
  const chosen = new Set([...all].sort((a, b) => by(b) - by(a)).slice(0, mostCurves));
  return all.filter((one) => chosen.has(one));
}

interface Named {
  domain?: string;
  domain_id?: string;
  deleted?: string | null;
}

// A series' own key and name: two owners of one name, one after the other, are two. `deleted`: how to say that one is.
export function seriesName(series: Named, deleted: (domain: string) => string): { id: string; name: string } {
  const domain = series.domain ?? "";
  return { id: series.domain_id || domain, name: series.deleted ? deleted(domain) : domain };
}
