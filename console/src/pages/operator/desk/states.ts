// How the states of applications are coloured; their names are in the texts.

import type { Schemas } from "@/api/client";

export const stateColors: Record<Schemas["ApplicationState"], string> = {
  submitted: "processing",
  approved: "success",
  rejected: "error",
};
