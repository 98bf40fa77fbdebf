// The REST API of this installation, typed by its own contract. Signing in is a cookie that no script can read; whatever
// changes something repeats the `csrf` that the sign-in gave (api/openapi.yaml).

import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

let csrf = "";
let whenSignedOut: () => void = () => {};

export function setCsrf(value: string | undefined) {
  csrf = value ?? "";
}

// Called when the API no longer knows who is asking.
export function onSignedOut(f: () => void) {
  whenSignedOut = f;
}

const middleware: Middleware = {
  onRequest({ request }) {
    if (csrf && request.method !== "GET") request.headers.set("fairlead-csrf", csrf);
    return request;
  },
  onResponse({ response, schemaPath }) {
    // Signing in and changing a password answer so when the password is wrong.
    if (response.status === 401 && schemaPath !== "/v1/login" && schemaPath !== "/v1/password") whenSignedOut();
    return undefined;
  },
};

export const api = createClient<paths>({ baseUrl: "/" });
api.use(middleware);
