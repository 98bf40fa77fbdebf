// The number of the newest change of policy. Accounts and the policy of the installation do not say it themselves: asked
// for right after a change, it is that change or one that came after it, so live with it is live with both.

import { useMutation } from "@tanstack/react-query";
import { api } from "@/api/client";
import { got } from "@/api/problem";

export function useNewestChange() {
  return useMutation({
    mutationFn: async () => (await got(api.GET("/v1/edges"))).policy_revision || undefined,
  });
}
