// What the API says when it says no (RFC 9457), as an Error that queries and forms can handle. One that never reached the
// API is a Problem too: `network`.

import type { Schemas } from "./client";

export type Detail = Schemas["Detail"];

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors: Detail[];

  constructor(status: number, code: string, detail: string, errors: Detail[] = []) {
    super(detail || code);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.errors = errors;
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

// The data of a call, or its Problem thrown.
export async function got<T>(call: Promise<Answer<T>>): Promise<T> {
  return (await answered(call)).data;
}

// The same with the ETag, which says what revision it is.
export async function gotWithTag<T>(call: Promise<Answer<T>>): Promise<{ data: T; etag: string }> {
  const { data, response } = await answered(call);
  return { data, etag: response.headers.get("etag") ?? "*" };
}

async function answered<T>(call: Promise<Answer<T>>): Promise<{ data: T; response: Response }> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === "AbortError") throw thrown;
    throw new Problem(0, "network", "");
  }
  if (answer.response.ok) return { data: answer.data as T, response: answer.response };
  throw problemOf(answer.response.status, answer.error);
}

export function problemOf(status: number, body: unknown): Problem {
  if (body && typeof body === "object" && "code" in body) {
    const said = body as Schemas["Problem"];
    return new Problem(status, said.code, said.detail ?? said.title, said.errors ?? []);
  }
  return new Problem(status, "internal_error", "");
}
