// The colours of a domain's states; beside them there is always the word.

import type { Schemas } from "@/api/client";

export const stateColors: Record<Schemas["DomainState"], string> = {
  online: "success",
  offline: "default",
  configuring: "processing",
  checking: "processing",
  check_failed: "error",
};
