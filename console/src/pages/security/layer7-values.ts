// The settings of a layer-7 configuration as its form has them: seconds and MiB as numbers, what is left to its default
// as nothing. Defaults and ranges are those of docs/configuration.md (R14).

import type { Schemas } from "@/api/client";
import { durationMs } from "@/parts/format";

type Settings = Schemas["Layer7Settings"];

export interface Header {
  name: string;
  value: string;
}

export interface Values {
  name: string;
  settings: Partial<Record<TimeName, number | null>> & {
    client_max_body_size?: number | null;
    ssl_protocols?: Settings["ssl_protocols"];
    ssl_ciphers?: string;
    add_header?: Header[];
  };
}

export type TimeName =
  | "client_header_timeout"
  | "client_body_timeout"
  | "keepalive_timeout"
  | "proxy_connect_timeout"
  | "proxy_send_timeout"
  | "proxy_read_timeout";

interface Range {
  standard: number;
  least: number;
  most: number;
}

// In seconds, as customers are given them.
export const times: Record<TimeName, Range> = {
  client_header_timeout: { standard: 60, least: 30, most: 120 },
  client_body_timeout: { standard: 60, least: 30, most: 120 },
  keepalive_timeout: { standard: 75, least: 0, most: 900 },
  proxy_connect_timeout: { standard: 4, least: 4, most: 120 },
  proxy_send_timeout: { standard: 60, least: 30, most: 3600 },
  proxy_read_timeout: { standard: 60, least: 1, most: 3600 },
};
export const timeNames = Object.keys(times) as TimeName[];

// What an edge itself obeys: operators may go beyond the customers' ranges.
export function rangeFor(name: TimeName, operator: boolean): Range {
  const range = times[name];
  return operator ? { ...range, least: Math.min(1, range.least), most: 3600 } : range;
}

// In MiB.
export const bodySize = { standard: 60, least: 1, most: 10_240 };
export const bodySizeOfEdges = { standard: 60, least: 1 / 1_048_576, most: 1_048_576 };

export const protocols = ["TLSv1.2", "TLSv1.3"] as const;
export const mostHeaders = 64;

const mib = 1_048_576;

function seconds(text: string | undefined): number | undefined {
  const ms = durationMs(text);
  return ms === undefined ? undefined : ms === null ? 0 : ms / 1000;
}

function mebibytes(size: string | number | undefined): number | undefined {
  if (size === undefined) return undefined;
  const [, n, unit] = /^(\d+)([KMG]iB)?$/.exec(String(size)) ?? [];
  if (n === undefined) return undefined;
  return (Number(n) * (unit === "GiB" ? 1024 * mib : unit === "MiB" ? mib : unit === "KiB" ? 1024 : 1)) / mib;
}

export function valuesOf(name: string, settings: Settings): Values {
  const out: Values = {
    name,
    settings: {
      client_max_body_size: mebibytes(settings.client_max_body_size),
      ssl_protocols: settings.ssl_protocols,
      ssl_ciphers: settings.ssl_ciphers,
      add_header: headersOf(settings.add_header),
    },
  };
  for (const time of timeNames) out.settings[time] = seconds(settings[time]);
  return out;
}

// A list of name and value, or a map of them.
function headersOf(said: unknown): Header[] {
  if (Array.isArray(said)) return said as Header[];
  return Object.entries((said ?? {}) as Record<string, string>).map(([name, value]) => ({ name, value }));
}

export function settingsOf({ settings }: Values): Settings {
  const out: Settings = {};
  for (const time of timeNames) {
    const s = settings[time];
    if (s !== undefined && s !== null) out[time] = Number.isInteger(s) ? `${s}s` : `${Math.round(s * 1000)}ms`;
  }
  const size = settings.client_max_body_size;
  if (size !== undefined && size !== null)
    out.client_max_body_size = Number.isInteger(size) ? `${size}MiB` : Math.round(size * mib);
  if (settings.ssl_protocols && settings.ssl_protocols.length > 0) out.ssl_protocols = settings.ssl_protocols;
  if (settings.ssl_ciphers?.trim()) out.ssl_ciphers = settings.ssl_ciphers.trim();
  if (settings.add_header && settings.add_header.length > 0)
    out.add_header = settings.add_header.map(({ name, value }) => ({
      name,
      value: value ?? "",
    })) as unknown as Settings["add_header"];
  return out;
}
