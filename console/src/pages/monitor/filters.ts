// What is asked for, kept in the address: a link shows others the same. Which intervals a span allows is R21's rule, told in
// docs/statistics.md; the API decides, this only offers what it would take.

import { useMemo } from "react";
import { useSearchParams } from "react-router";

export const tabs = ["bandwidth", "traffic", "codes", "places", "sessions", "live"] as const;
export type Tab = (typeof tabs)[number];

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
export const mostSpan = 93 * day;

export const presets = { "1h": hour, "24h": day, "3d": 3 * day, "7d": 7 * day, "31d": 31 * day, "93d": mostSpan };
export type Preset = keyof typeof presets;

export type Basis = "frames" | "wire";
export type Direction = "out" | "in";

export interface Filters {
  tab: Tab;
  account?: string; // of operators: this one's alone
  domains: string[]; // none: all
  region?: string;
  isp?: string;
  preset?: Preset; // without: from and to
  from?: string; // RFC 3339, as in the address
  to?: string;
  interval?: number; // seconds; without: the span's default
  compare: boolean; // a series for each domain
  direction: Direction; // which of the two when domains are compared
  basis: Basis;
}

export function intervalsFor(spanMs: number): number[] {
  if (spanMs < 3 * day) return [300, 3600, 86400];
  if (spanMs < 31 * day) return [3600, 86400];
  return [86400];
}

export interface Range {
  start: number; // milliseconds
  end: number;
}

const step = 5 * minute;
export const iso = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

// Of a preset, up to the end of the five minutes that are under way: nothing is left to be rounded.
export function rangeOf(f: Filters, now: number): Range {
  if (f.preset) {
    const end = Math.ceil(now / step) * step;
    return { start: end - presets[f.preset], end };
  }
  return { start: Date.parse(f.from ?? ""), end: Date.parse(f.to ?? "") };
}

export const spanOf = (f: Filters) =>
  f.preset ? presets[f.preset] : Date.parse(f.to ?? "") - Date.parse(f.from ?? "");

const one = <T extends string>(value: string | null, of: readonly T[]): T | undefined => of.find((x) => x === value);

export function readFilters(search: URLSearchParams): Filters {
  const from = search.get("from") ?? undefined;
  const to = search.get("to") ?? undefined;
  const own = from !== undefined && to !== undefined && Date.parse(to) > Date.parse(from);
  const interval = Number(search.get("interval"));
  const domains = search
    .getAll("domain")
    .flatMap((names) => names.split(","))
    .map((name) => name.trim())
    .filter(Boolean);
  return {
    tab: one(search.get("tab"), tabs) ?? "bandwidth",
    account: search.get("account") || undefined,
    domains: [...new Set(domains)],
    region: search.get("region") || undefined,
    isp: search.get("isp") || undefined,
    ...(own ? { from, to } : { preset: one(search.get("range"), Object.keys(presets) as Preset[]) ?? "24h" }),
    interval: Number.isInteger(interval) && interval > 0 ? interval : undefined,
    compare: search.get("compare") === "domain",
    direction: one(search.get("direction"), ["in", "out"]) ?? "out",
    basis: one(search.get("basis"), ["wire", "frames"]) ?? "frames",
  };
}

export function writeFilters(f: Filters): URLSearchParams {
  const out = new URLSearchParams();
  const put = (name: string, value: string | undefined, usual?: string) => {
    if (value !== undefined && value !== "" && value !== usual) out.set(name, value);
  };
  put("tab", f.tab, "bandwidth");
  put("account", f.account);
  put("domain", f.domains.join(","));
  put("region", f.region);
  put("isp", f.isp);
  if (f.preset) put("range", f.preset, "24h");
  else {
    put("from", f.from);
    put("to", f.to);
  }
  put("interval", f.interval?.toString());
  put("compare", f.compare ? "domain" : undefined);
  put("direction", f.direction, "out");
  put("basis", f.basis, "frames");
  return out;
}

export function useFilters(): [Filters, (change: Partial<Filters>) => void] {
  const [search, setSearch] = useSearchParams();
  const filters = useMemo(() => readFilters(search), [search]);
  const change = (next: Partial<Filters>) => {
    setSearch(
      (now) => {
        const all = { ...readFilters(now), ...next };
        // What the new span does not allow is not asked for any longer.
        const moved = "preset" in next || "from" in next;
        if (moved && all.interval && !intervalsFor(spanOf(all)).includes(all.interval)) all.interval = undefined;
        return writeFilters(all);
      },
      { replace: true },
    );
  };
  return [filters, change];
}
