// The number of the policy change that something just saved has made: certificates and layer-7 configurations do not have
// it, the domains that use them do.

import { api } from "@/api/client";
import { got } from "@/api/problem";

export async function changeAt(domain: string | undefined): Promise<number | undefined> {
  if (domain === undefined) return undefined;
  // What was saved is saved; that its way cannot be followed is no problem to tell.
  const read = await got(api.GET("/v1/domains/{domain}", { params: { path: { domain } } })).catch(() => undefined);
  return read?.policy_change;
}
