// Every page and its address; the menu is in shell/navigation.tsx.

import { createBrowserRouter, Navigate } from "react-router";
import { routes as access, outsideRoutes } from "@/pages/access/routes";
import { routes as billing } from "@/pages/billing/routes";
import { routes as domains } from "@/pages/domains/routes";
import { routes as monitor } from "@/pages/monitor/routes";
import { routes as operator } from "@/pages/operator/routes";
import { routes as security } from "@/pages/security/routes";
import { routes as service } from "@/pages/service/routes";
import { Frame } from "@/shell/frame";
import { PageFailed } from "@/shell/page-failed";
import { page } from "@/shell/page-route";

export const router = createBrowserRouter([
  ...outsideRoutes,
  {
    path: "/",
    element: <Frame />,
    errorElement: <PageFailed />,
    children: [
      { index: true, element: <Navigate to="/domains" replace /> },
      ...domains,
      ...monitor,
      ...service,
      ...billing,
      ...security,
      ...operator,
      ...access,
      page("*", () => import("@/pages/not-found")),
    ],
  },
]);
