// The bills of an account that are not issued yet, as far as they have come.

import { useQuery } from "@tanstack/react-query";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";

// One that waits for prices has neither days nor amounts.
export interface Running {
  waits_for: Schemas["RunningBill"]["waits_for"];
  bill: Pick<Schemas["Bill"], "from" | "to" | "period"> & Partial<Schemas["Bill"]>;
}

export function isPriced(bill: Running["bill"]): bill is Schemas["Bill"] {
  return bill.amount !== undefined && bill.charges !== undefined && bill.days !== undefined;
}

export function useRunning(accountId: string) {
  return useQuery({
    queryKey: ["running-bills", accountId],
    queryFn: async ({ signal }) => {
      const list = await got(api.GET("/v1/running-bills", { params: { query: { account_id: accountId } }, signal }));
      return list.items as unknown as Running[];
    },
    refetchInterval: 60_000,
  });
}
