// A page as a route: its code is loaded when it is first opened.

import type { ComponentType } from "react";
import type { RouteObject } from "react-router";
import { PageFailed } from "./page-failed";

const nothing = () => null;

export function page(
  path: string,
  load: () => Promise<{ default: ComponentType }>,
  children?: RouteObject[],
): RouteObject {
  return {
    path,
    lazy: async () => ({ Component: (await load()).default }),
    HydrateFallback: nothing,
    errorElement: <PageFailed />,
    children,
  };
}
