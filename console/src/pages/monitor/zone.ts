// Times as the account's clock has them, whatever the browser's is.

import i18next from "i18next";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(name: string, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${i18next.language} ${name} ${zone}`;
  let known = formats.get(key);
  if (!known) {
    known = new Intl.DateTimeFormat(name === "wall" ? "en-US" : i18next.language, {
      ...options,
      timeZone: zone,
      hourCycle: "h23",
    });
    formats.set(key, known);
  }
  return known;
}

export const clock = (ms: number, zone: string) =>
  format("clock", zone, { hour: "2-digit", minute: "2-digit" }).format(ms);
export const clockSeconds = (ms: number, zone: string) =>
  format("seconds", zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(ms);
export const monthDay = (ms: number, zone: string) =>
  format("day", zone, { month: "short", day: "numeric" }).format(ms);
export const moment = (ms: number, zone: string) =>
  format("moment", zone, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  }).format(ms);

// From one moment to another, with what they share said once.
export function between(from: number, to: number, zone: string): string {
  return format("moment", zone, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  }).formatRange(from, to);
}

export interface Wall {
  year: number;
  month: number; // from 1
  day: number;
  hour: number;
  minute: number;
}

// What a clock on the wall says at that moment.
export function wallOf(ms: number, zone: string): Wall {
  const parts = format("wall", zone, {
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  }).formatToParts(ms);
  const part = (type: string) => Number(parts.find((p) => p.type === type)?.value ?? 0);
  return { year: part("year"), month: part("month"), day: part("day"), hour: part("hour"), minute: part("minute") };
}

const asUtc = (w: Wall) => Date.UTC(w.year, w.month - 1, w.day, w.hour, w.minute);

// The moment at which it says that; of two (clocks went back) the one that the second look settles on, of none
// (clocks went forward) one close by.
export function momentOf(wall: Wall, zone: string): number {
  const wanted = asUtc(wall);
  let at = wanted;
  for (let i = 0; i < 2; i += 1) at += wanted - asUtc(wallOf(at, zone));
  return at;
}
