// A domain as its pages know it: read by the layout, changed against the revision that was read.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useOutletContext } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got, gotWithTag } from "@/api/problem";

export type Domain = Schemas["Domain"];
export type WebSocket = Schemas["WebSocket"];

export interface ReadDomain {
  data: Domain;
  etag: string;
}

export interface HealthCheck {
  path?: string;
  host?: string;
  scheme?: "http" | "https";
  interval?: string;
  timeout?: string;
  healthy_after?: number;
  unhealthy_after?: number;
  status?: string;
  passive?: {
    enabled?: boolean;
    failures?: number;
    window?: string;
    eject?: string;
    count_5xx?: boolean;
    count_refused?: boolean;
    count_timeout?: boolean;
  };
}

export type Limits = Partial<Record<(typeof limitNames)[number], number | "off">>;
export const limitNames = [
  "max_sessions",
  "max_sessions_per_client",
  "handshakes_per_second",
  "handshakes_per_second_per_client",
] as const;

// docs/configuration.md: the contract leaves some of it open.
export interface Settings extends Omit<Schemas["DomainSettings"], "health_check" | "limits"> {
  health_check?: HealthCheck;
  limits?: Limits;
  layer7?: Schemas["Layer7Settings"];
}

// Every setting with its value; while they cannot be used, what was written.
export function settingsOf(domain: Domain): Settings {
  const all = (domain.effective ?? domain.settings) as Settings;
  // `effective` only says that there is a CA.
  return { ...all, origin_tls: { ...all.origin_tls, ca_file: domain.settings.origin_tls?.ca_file } };
}

export const domainKey = (name: string) => ["domain", name];
export const partKey = (name: string, part: string) => ["domain", name, part];

interface OfLayout extends ReadDomain {
  name: string;
  reload: () => Promise<ReadDomain | undefined>;
}

export function useDomain(): OfLayout {
  return useOutletContext<OfLayout>();
}

export function useDomainQuery(name: string) {
  return useQuery({
    queryKey: domainKey(name),
    queryFn: ({ signal }) =>
      gotWithTag(api.GET("/v1/domains/{domain}", { params: { path: { domain: name } }, signal })),
    refetchInterval: ({ state }) => (state.data?.data.state === "checking" ? 2000 : false),
  });
}

// What was answered to a change is the domain now; what is read apart from it is read anew.
export function useTake(name: string) {
  const queries = useQueryClient();
  return (read: ReadDomain) => {
    queries.setQueryData(domainKey(name), read);
    void queries.invalidateQueries({
      predicate: ({ queryKey }) => queryKey[0] === "domain" && queryKey[1] === name && queryKey.length > 2,
    });
    void queries.invalidateQueries({ queryKey: ["domains"], refetchType: "none" });
  };
}

export function useChange() {
  const { name } = useDomain();
  const take = useTake(name);
  return useMutation({
    mutationFn: ({ patch, etag }: { patch: object; etag: string }) =>
      gotWithTag(
        api.PATCH("/v1/domains/{domain}", {
          params: { path: { domain: name }, header: { "if-match": etag } },
          body: patch as Schemas["DomainPatch"],
        }),
      ),
    onSuccess: take,
  });
}

// How many sessions are live; null: nobody could be asked.
export async function liveSessions(name: string): Promise<number | null> {
  try {
    const query = { limit: 1 };
    const page = await got(api.GET("/v1/domains/{domain}/sessions", { params: { path: { domain: name }, query } }));
    return page.total;
  } catch {
    return null;
  }
}
