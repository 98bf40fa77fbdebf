// A price book as its form has it, and as the API has it.

import type { Schemas } from "@/api/client";
import { fromMicro, toMicro } from "./micro";

export type Method = "traffic" | "bandwidth";
export type Period = "day" | "month";

export interface TariffValues {
  offered: boolean;
  mode?: "graduated" | "volume";
  tiers?: { up_to?: number | null; price: string }[];
}

export interface BookValues {
  account_id?: string;
  effective: string; // 2026-01-31
  currency: string;
  basis: "frames" | "wire";
  unit_bytes: number;
  traffic: Record<Period, TariffValues>;
  bandwidth: Record<Period, TariffValues>;
}

export const fresh: TariffValues = { offered: false, mode: "graduated", tiers: [{ price: "" }] };

function tariffOf(values: TariffValues): Schemas["Tariff"] {
  if (!values.offered) return null;
  const tiers = values.tiers ?? [];
  return {
    mode: values.mode ?? "graduated",
    tiers: tiers.map((tier, i) =>
      i < tiers.length - 1 ? { up_to: tier.up_to, price: toMicro(tier.price) } : { price: toMicro(tier.price) },
    ),
  };
}

export function bodyOf(values: BookValues): Schemas["PriceBookCreate"] {
  return {
    account_id: values.account_id,
    effective: values.effective,
    currency: values.currency.trim().toUpperCase(),
    basis: values.basis,
    unit_bytes: values.unit_bytes,
    traffic: { day: tariffOf(values.traffic.day), month: tariffOf(values.traffic.month) },
    bandwidth: { day: tariffOf(values.bandwidth.day), month: tariffOf(values.bandwidth.month) },
  };
}

function valuesOf(tariff: Schemas["Tariff"] | undefined): TariffValues {
  if (!tariff) return fresh;
  return {
    offered: true,
    mode: tariff.mode,
    tiers: tariff.tiers.map((tier) => ({ up_to: tier.up_to ?? undefined, price: fromMicro(tier.price) })),
  };
}

// A copy of another book, without its day.
export function copyOf(book: Schemas["PriceBook"]): Omit<BookValues, "effective"> {
  return {
    account_id: book.account_id ?? undefined,
    currency: book.currency,
    basis: book.basis,
    unit_bytes: book.unit_bytes,
    traffic: { day: valuesOf(book.traffic.day), month: valuesOf(book.traffic.month) },
    bandwidth: { day: valuesOf(book.bandwidth.day), month: valuesOf(book.bandwidth.month) },
  };
}
