// Durations and sizes as texts ("60s", "60MiB", "off"), as a number with its unit, and as people read them.

import type { TFunction } from "i18next";

export interface Unit {
  word: string;
  factor: number;
}

export const durations: Unit[] = [
  { word: "ms", factor: 1 },
  { word: "s", factor: 1000 },
  { word: "m", factor: 60_000 },
  { word: "h", factor: 3_600_000 },
  { word: "d", factor: 86_400_000 },
];

export const sizes: Unit[] = [
  { word: "", factor: 1 },
  { word: "KiB", factor: 1024 },
  { word: "MiB", factor: 1024 ** 2 },
  { word: "GiB", factor: 1024 ** 3 },
];

export interface Quantity {
  n: number | null;
  unit: string; // "off" too
}

// In the unit it is written in; of several ("1m30s") in the largest that needs no fraction.
export function quantityOf(text: string | number | undefined | null, units: Unit[]): Quantity {
  const plain = units === sizes ? "MiB" : "s";
  if (text === undefined || text === null || text === "") return { n: null, unit: plain };
  if (text === "off") return { n: null, unit: "off" };
  const parts = [...String(text).matchAll(/(\d+)([A-Za-z]*)/g)];
  const first = parts[0];
  if (first && parts.length === 1 && units.some((u) => u.word === first[2]))
    return { n: Number(first[1]), unit: first[2] ?? "" };
  let sum = 0;
  for (const [, n, word] of parts) sum += Number(n) * (units.find((u) => u.word === word)?.factor ?? Number.NaN);
  const unit = units.findLast((u) => sum % u.factor === 0);
  return unit ? { n: sum / unit.factor, unit: unit.word } : { n: null, unit: plain };
}

export function textOf({ n, unit }: Quantity): string | undefined {
  if (unit === "off") return "off";
  return n === null ? undefined : `${n}${unit}`;
}

// "60 seconds".
export function inWords(
  t: TFunction<"configure">,
  text: string | number | undefined | null,
  units = durations,
): string {
  const { n, unit } = quantityOf(text, units);
  if (unit === "off") return t("off");
  return n === null ? t("not-stated") : t(`quantity.${unit || "B"}`, { count: n });
}
