// How the states of accounts are coloured; their names are in the texts.

import type { Schemas } from "@/api/client";

export const stateColors: Record<Schemas["Account"]["state"], string> = {
  active: "success",
  suspended: "warning",
  closed: "default",
};
