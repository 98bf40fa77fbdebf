import type { RouteObject } from "react-router";
import { page } from "@/shell/page-route";

export const routes: RouteObject[] = [page("domains", () => import("./list"))];
