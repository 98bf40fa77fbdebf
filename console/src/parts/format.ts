// Figures as people read them, in the language that is set. Exact values stay in the API; what is rounded here is only shown.

import i18next from "i18next";

const decimal = (most: number) => new Intl.NumberFormat(i18next.language, { maximumFractionDigits: most });

function scaled(value: number, units: string[], step: number): string {
  let i = 0;
  let n = value;
  while (Math.abs(n) >= step && i < units.length - 1) {
    n /= step;
    i += 1;
  }
  return `${decimal(Math.abs(n) < 10 ? 2 : Math.abs(n) < 100 ? 1 : 0).format(n)} ${units[i]}`;
}

// As bills have it: 1 GB is 1,000,000,000 bytes.
export const bytes = (n: number) => scaled(n, ["B", "kB", "MB", "GB", "TB", "PB"], 1000);
export const bitsPerSecond = (n: number) => scaled(n, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"], 1000);
export const count = (n: number) => decimal(0).format(n);
export const percent = (part: number) =>
  new Intl.NumberFormat(i18next.language, { style: "percent", maximumFractionDigits: 2 }).format(part);

// Micro-units of a currency, exact to the last: 4,600,000 USD is "4.600000 USD". No floating point.
export function money(micro: number | bigint, currency: string): string {
  const n = BigInt(micro);
  const abs = n < 0n ? -n : n;
  const whole = new Intl.NumberFormat(i18next.language).format(abs / 1_000_000n);
  const fraction = (abs % 1_000_000n)
    .toString()
    .padStart(6, "0")
    .replace(/0{1,4}$/, "");
  return `${n < 0n ? "−" : ""}${whole}.${fraction} ${currency}`;
}

export function dateTime(date: string, timeZone?: string): string {
  return new Intl.DateTimeFormat(i18next.language, { dateStyle: "medium", timeStyle: "medium", timeZone }).format(
    new Date(date),
  );
}
export function day(date: string, timeZone?: string): string {
  return new Intl.DateTimeFormat(i18next.language, { dateStyle: "medium", timeZone }).format(new Date(date));
}

// "60s", "1m30s", "500ms", "off": milliseconds; null is off, undefined is none of them (docs/configuration.md).
export function durationMs(text: string | undefined): number | null | undefined {
  if (text === "off") return null;
  if (!text || !/^(\d+(ms|s|m|h|d))+$/.test(text)) return undefined;
  const ms = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
  let sum = 0;
  for (const [, n, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) sum += Number(n) * ms[unit as keyof typeof ms];
  return sum;
}
