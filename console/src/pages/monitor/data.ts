// What the API has counted, as queries. Each answer comes with the range that was asked for: what is missing of it is a gap.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { useZone } from "./account-zone";
import { type Filters, iso, type Range, rangeOf } from "./filters";

export type Kind = "bandwidth" | "traffic" | "http-codes" | "regions-and-isps" | "sessions";
export type PlaceGroup = "region_and_isp" | "region" | "isp";

export interface Answers {
  bandwidth: Schemas["BandwidthStatistics"];
  traffic: Schemas["TrafficStatistics"];
  "http-codes": Schemas["HttpCodeStatistics"];
  "regions-and-isps": Schemas["PlaceStatistics"];
  sessions: Schemas["SessionStatistics"];
}

export interface Answered<T> {
  answer: T;
  asked: Range;
}

// Every answer's head.
export type Head = Pick<
  Schemas["BandwidthStatistics"],
  "start_time" | "end_time" | "interval" | "data_since" | "notes"
>;

function queryOf(f: Filters, zone: string, now: number) {
  const asked = rangeOf(f, now);
  // Neither time: the last 24 hours by the server's clock.
  const times = f.preset === "24h" ? {} : { start_time: iso(asked.start), end_time: iso(asked.end) };
  return {
    asked,
    query: {
      ...times,
      domain: f.domains.join(",") || undefined,
      account_id: f.account,
      region: f.region,
      isp: f.isp,
      interval: f.interval,
      time_zone: zone,
    },
  };
}

type Query = ReturnType<typeof queryOf>["query"];
type Group = "none" | "domain";

interface More {
  group?: Group;
  places?: PlaceGroup;
}

function call<K extends Kind>(kind: K, f: Filters, query: Query, more: More, signal?: AbortSignal) {
  const group = more.group;
  const calls = {
    bandwidth: () =>
      got(api.GET("/v1/statistics/bandwidth", { params: { query: { ...query, group, basis: f.basis } }, signal })),
    traffic: () => got(api.GET("/v1/statistics/traffic", { params: { query: { ...query, group } }, signal })),
    "http-codes": () => got(api.GET("/v1/statistics/http-codes", { params: { query: { ...query, group } }, signal })),
    "regions-and-isps": () =>
      got(
        api.GET("/v1/statistics/regions-and-isps", {
          params: { query: { ...query, group: more.places, basis: f.basis } },
          signal,
        }),
      ),
    sessions: () => got(api.GET("/v1/statistics/sessions", { params: { query: { ...query, group } }, signal })),
  };
  return calls[kind]() as Promise<Answers[K]>;
}

export function useStatistics<K extends Kind>(kind: K, f: Filters, more: More = {}, enabled = true) {
  const zone = useZone();
  const { account, domains, region, isp, preset, from, to, interval, basis } = f;
  return useQuery({
    queryKey: ["statistics", kind, zone, { account, domains, region, isp, preset, from, to, interval, basis }, more],
    enabled,
    queryFn: async ({ signal }): Promise<Answered<Answers[K]>> => {
      const { query, asked } = queryOf(f, zone, Date.now());
      return { answer: await call(kind, f, query, more, signal), asked };
    },
    placeholderData: keepPreviousData,
    refetchInterval: preset ? (preset === "1h" || preset === "24h" ? 30_000 : 300_000) : false,
  });
}

// The API's own CSV of the same.
export async function csvOf(kind: Kind, f: Filters, zone: string, more: More): Promise<Blob> {
  const { query } = queryOf(f, zone, Date.now());
  const both = { ...query, format: "csv" as const };
  const group = more.group;
  const parseAs = "blob" as const;
  switch (kind) {
    case "bandwidth":
      return got(
        api.GET("/v1/statistics/bandwidth", { params: { query: { ...both, group, basis: f.basis } }, parseAs }),
      );
    case "traffic":
      return got(api.GET("/v1/statistics/traffic", { params: { query: { ...both, group } }, parseAs }));
    case "http-codes":
      return got(api.GET("/v1/statistics/http-codes", { params: { query: { ...both, group } }, parseAs }));
    case "regions-and-isps":
      return got(
        api.GET("/v1/statistics/regions-and-isps", {
          params: { query: { ...both, group: more.places, basis: f.basis } },
          parseAs,
        }),
      );
    case "sessions":
      return got(api.GET("/v1/statistics/sessions", { params: { query: { ...both, group } }, parseAs }));
  }
}

export const mostLiveDomains = 100;

interface LiveQuery {
  domain?: string;
  account_id?: string;
}

// What is now; it throws why there is nothing. (As JSON: the contract has a stream at the same address.)
export const snapshot = (query: LiveQuery, signal?: AbortSignal) =>
  got(api.GET("/v1/statistics/live", { params: { query }, signal })) as Promise<Schemas["LiveStatistics"]>;

// Sessions that are open now, asked every few seconds while somebody looks.
export function useOpenNow({ domains, account }: Filters) {
  const query = { domain: domains.join(",") || undefined, account_id: account };
  return useQuery({
    queryKey: ["monitor", "open-now", query],
    enabled: domains.length <= mostLiveDomains,
    queryFn: ({ signal }) => snapshot(query, signal),
    refetchInterval: 5_000,
  });
}
