// Quantities of prices and bills, in the units that the prices are for.

import type { TFunction } from "i18next";
import i18next from "i18next";
import type { Schemas } from "@/api/client";
import { day, money } from "@/parts/format";

export type Method = Schemas["BillingMethod"];
type T = TFunction<"billing">;

const names: Record<number, string> = {
  1: "B",
  1000: "kB",
  1000000: "MB",
  1000000000: "GB",
  1000000000000: "TB",
  1024: "KiB",
  1048576: "MiB",
  1073741824: "GiB",
};

// What a price is for: "GB", "Mbit/s".
export function unitOf(t: T, method: Method, unitBytes: number): string {
  if (method === "bandwidth") return "Mbit/s";
  return names[unitBytes] ?? t("unit-of-bytes", { number: plain(unitBytes) });
}

export function plain(n: number): string {
  return new Intl.NumberFormat(i18next.language, { maximumFractionDigits: 6 }).format(n);
}

// A bill's quantity in those units; `share` is by how many days a month's bandwidth is divided.
export function quantity(n: number, unit: number, share = 1): string {
  return plain(n / unit / share);
}

export function price(t: T, micro: number, currency: string, unit: string): string {
  if (micro === 0) return t("price.free");
  return t("price.per", { price: money(micro, currency), unit });
}

// A day of an account is a date, not a moment: no time zone may move it.
export const date = (text: string) => day(text, "UTC");

export function span(t: T, from: string, to: string): string {
  return from === to ? date(from) : t("span", { from: date(from), to: date(to) });
}
