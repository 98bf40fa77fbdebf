// Whose clock is on the wall: that of the account that is looked at, which for customers is their own.

import { createContext, useContext } from "react";
import { useLogin } from "@/shell/session";

export const ZoneContext = createContext<string | null>(null);

export function useZone(): string {
  const own = useLogin().account.time_zone;
  return useContext(ZoneContext) ?? own;
}
