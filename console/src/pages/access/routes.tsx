import type { RouteObject } from "react-router";
import { page } from "@/shell/page-route";

// Of those who are signed in.
export const routes: RouteObject[] = [
  page("password/change", () => import("./password-change")),
  page("tokens", () => import("./tokens")),
  page("audit", () => import("./audit/page")),
];

export const outsideRoutes: RouteObject[] = [
  page("/sign-in", () => import("./sign-in")),
  page("/setup", () => import("./setup")),
  page("/password", () => import("./password-link")),
];
