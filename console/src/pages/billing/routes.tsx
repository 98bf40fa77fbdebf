import type { RouteObject } from "react-router";
import { page } from "@/shell/page-route";

export const routes: RouteObject[] = [
  page("billing", () => import("./method")),
  page("packs", () => import("./packs")),
  page("packs/:pack", () => import("./pack")),
  page("bills", () => import("./bills")),
  page("bills/running", () => import("./running")),
  page("bills/:number", () => import("./bill")),
];
