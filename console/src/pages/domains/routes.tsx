import { Navigate, type RouteObject } from "react-router";
import { page } from "@/shell/page-route";

export const routes: RouteObject[] = [
  page("domains", () => import("./list")),
  page("domains/add", () => import("./add")),
  page("domains/:domain", () => import("./layout"), [
    { index: true, element: <Navigate to="basics" replace /> },
    page("going-live", () => import("./going-live")),
    page("basics", () => import("./basics")),
    page("origins", () => import("./origins")),
    page("https", () => import("./https")),
    page("http2", () => import("./http2")),
    page("websocket", () => import("./websocket")),
    page("layer7", () => import("./layer7")),
    page("limits", () => import("./limits")),
    page("sessions", () => import("./sessions")),
  ]),
  page("content/websockets", () => import("./content")),
];
