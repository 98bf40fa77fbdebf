// Every page and its address. Each is loaded when it is first opened.

import type { ComponentType } from "react";
import { createBrowserRouter, Navigate } from "react-router";
import { Frame } from "@/shell/frame";
import { PageFailed } from "@/shell/page-failed";

const nothing = () => null;

const page = (load: () => Promise<{ default: ComponentType }>) => ({
  lazy: async () => ({ Component: (await load()).default }),
  HydrateFallback: nothing,
  errorElement: <PageFailed />,
});

export const router = createBrowserRouter([
  { path: "/sign-in", ...page(() => import("@/pages/access/sign-in")) },
  { path: "/setup", ...page(() => import("@/pages/access/setup")) },
  { path: "/password", ...page(() => import("@/pages/access/password-link")) },
  {
    path: "/",
    element: <Frame />,
    errorElement: <PageFailed />,
    children: [
      { index: true, element: <Navigate to="/domains" replace /> },
      { path: "domains", ...page(() => import("@/pages/domains/list")) },
      { path: "password/change", ...page(() => import("@/pages/access/password-change")) },
      { path: "*", ...page(() => import("@/pages/not-found")) },
    ],
  },
]);
