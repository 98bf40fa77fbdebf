// What the form of a new domain holds: the body of createDomain, so that what the API refuses finds its field.

import type { Schemas } from "@/api/client";
import { newOrigin } from "./origin-list";

export interface NewDomain {
  name: string;
  account_id?: string;
  service_region: Schemas["ServiceRegion"];
  icp_number?: string;
  migrated?: boolean;
  settings: {
    acceleration: "whole-site" | "static";
    origins: Schemas["Origin"][];
    websocket: { enabled: boolean; origin_scheme?: "follow" | "http" | "https" };
  };
}

// By acceleration, unless the account says otherwise (R2).
export function defaultSwitch(account: Schemas["Account"], acceleration: "whole-site" | "static"): boolean {
  return account.websocket_default === "by-acceleration"
    ? acceleration === "whole-site"
    : account.websocket_default === "on";
}

export const begin = (account: Schemas["Account"]): Partial<NewDomain> => ({
  service_region: "overseas",
  migrated: false,
  settings: {
    acceleration: "whole-site",
    origins: [{ ...newOrigin } as Schemas["Origin"]],
    websocket: { enabled: defaultSwitch(account, "whole-site") },
  },
});

export const stepNames = ["domain", "origins", "websocket", "review"] as const;

// The step that has the field of a pointer.
export function stepOf(pointer: string): number {
  if (pointer.startsWith("/settings/origins")) return 1;
  if (pointer.startsWith("/settings/websocket")) return 2;
  return 0;
}

export function bodyOf(values: NewDomain): Schemas["DomainCreate"] {
  const { websocket, ...settings } = values.settings;
  const body: Schemas["DomainCreate"] = {
    name: values.name.trim(),
    service_region: values.service_region,
    settings: { ...settings, websocket: websocket.enabled ? websocket : { enabled: false } },
  };
  if (values.account_id) body.account_id = values.account_id;
  if (values.icp_number?.trim() && values.service_region !== "overseas") body.icp_number = values.icp_number.trim();
  if (values.migrated) body.migrated = true;
  return body;
}
