// The time zone that an account's days are in.

import { useQuery } from "@tanstack/react-query";
import { api } from "@/api/client";
import { got } from "@/api/problem";

export function useTimeZone(accountId: string | undefined): string | undefined {
  return useQuery({
    queryKey: ["account", accountId],
    enabled: accountId !== undefined,
    queryFn: ({ signal }) =>
      got(api.GET("/v1/accounts/{account_id}", { params: { path: { account_id: accountId ?? "" } }, signal })),
  }).data?.time_zone;
}
