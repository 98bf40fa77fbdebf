import type { RouteObject } from "react-router";
import { page } from "@/shell/page-route";

export const routes: RouteObject[] = [
  page("desk", () => import("./desk/list")),
  page("desk/:id", () => import("./desk/application")),
  page("accounts", () => import("./accounts/list")),
  page("accounts/:id", () => import("./accounts/account")),
  page("edges", () => import("./edges/list")),
  page("prices", () => import("./prices/page")),
  page("prices/add", () => import("./prices/add")),
  page("policy", () => import("./policy")),
  page("notices", () => import("./notices")),
];
