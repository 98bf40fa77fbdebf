import type { RouteObject } from "react-router";
import { page } from "@/shell/page-route";

export const routes: RouteObject[] = [
  page("certificates", () => import("./certificates")),
  page("certificates/add", () => import("./certificate-add")),
  page("certificates/:certificate", () => import("./certificate")),
  page("layer7", () => import("./layer7")),
  page("layer7/add", () => import("./layer7-add")),
  page("layer7/:config", () => import("./layer7-edit")),
];
