import type { RouteObject } from "react-router";
import { page } from "@/shell/page-route";

export const routes: RouteObject[] = [page("monitor", () => import("./monitor"))];
