// What a change is about to touch: the domains that are online and the sessions that are open, of one account or of all.

import { useQuery } from "@tanstack/react-query";
import { Alert } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { count } from "@/parts/format";

export function useLive(account: string | undefined, enabled = true) {
  return useQuery({
    queryKey: ["live-total", account],
    enabled,
    refetchInterval: 2_000,
    // Without asking for a stream the answer is JSON.
    queryFn: async ({ signal }) =>
      (await got(
        api.GET("/v1/statistics/live", { params: { query: { account_id: account } }, signal }),
      )) as Schemas["LiveStatistics"],
  });
}

export function useDomainTotal(account: string | undefined, state?: Schemas["DomainState"], enabled = true) {
  return useQuery({
    queryKey: ["domains", "total", account, state],
    enabled,
    queryFn: async ({ signal }) =>
      (await got(api.GET("/v1/domains", { params: { query: { account_id: account, state, limit: 1 } }, signal })))
        .total,
  });
}

export function Touched({ account, about }: { account?: string; about: ReactNode }) {
  const { t } = useTranslation("operator");
  const live = useLive(account);
  const domains = useDomainTotal(account, "online");
  const told =
    live.data && live.data.edges > 0 && domains.data !== undefined
      ? live.data.silent_edges > 0
        ? "touched-at-least"
        : "touched"
      : live.isPending || domains.isPending
        ? "touched-asking"
        : "touched-unknown";
  return (
    <Alert
      type="warning"
      showIcon
      role="status"
      title={t(told, {
        sessions: count(live.data?.total.sessions_open ?? 0),
        domains: count(domains.data ?? 0),
        silent: count(live.data?.silent_edges ?? 0),
      })}
      description={about}
      style={{ marginBottom: 16 }}
    />
  );
}
