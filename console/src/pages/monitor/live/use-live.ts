// The stream of what passes now: an event a second, kept for five minutes. It ends while nobody looks, comes back by itself,
// and says why when it cannot.

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Schemas } from "@/api/client";
import { Problem } from "@/api/problem";
import { loginKey } from "@/shell/session";
import { snapshot } from "../data";

export type LiveEvent = Schemas["LiveEvent"];

// paused: by the user; hidden: the tab is in the background; ended: the API has ended it, for good.
export type LiveState = "connecting" | "live" | "reconnecting" | "paused" | "hidden" | "ended";

export interface LivePoint {
  at: number; // milliseconds
  open: number;
  // A second's worth; none in the first of a stream and where it was interrupted.
  rates?: {
    bitsIn: number;
    bitsOut: number;
    messagesIn: number;
    messagesOut: number;
    opened: number;
    closed: number;
  };
}

export interface Live {
  state: LiveState;
  event?: LiveEvent;
  points: LivePoint[];
  problem?: Problem;
}

export const liveWindow = 5 * 60_000;
const firstWait = 2_000;
const longestWait = 30_000;

function pointOf(event: LiveEvent): LivePoint {
  const { total, milliseconds } = event;
  const point = { at: Date.parse(event.at), open: total.sessions_open };
  if (milliseconds <= 0) return point;
  const each = (n: number) => (n * 1000) / milliseconds;
  return {
    ...point,
    rates: {
      bitsIn: each(total.bytes_in * 8),
      bitsOut: each(total.bytes_out * 8),
      messagesIn: each(total.messages_in),
      messagesOut: each(total.messages_out),
      opened: each(total.sessions_opened),
      closed: each(total.sessions_closed),
    },
  };
}

export function useLive(domains: string[], account: string | undefined, paused: boolean, attempt: number): Live {
  const queries = useQueryClient();
  const [live, setLive] = useState<Live>({ state: "connecting", points: [] });
  const domain = domains.join(",");

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt is one more try
  useEffect(() => {
    let source: EventSource | undefined;
    let timer: number | undefined;
    let asking: AbortController | undefined;
    let wait = firstWait;
    let over = false; // ended for good

    const tell = (state: LiveState, problem?: Problem) => setLive((now) => ({ ...now, state, problem }));
    const stop = () => {
      source?.close();
      source = undefined;
      window.clearTimeout(timer);
      asking?.abort();
    };
    const end = (problem: Problem) => {
      stop();
      over = true;
      tell("ended", problem);
      // The frame leads to the sign-in page when that is why.
      if (problem.code === "unauthorized") void queries.resetQueries({ queryKey: loginKey });
    };

    const start = () => {
      stop();
      const asked = new URLSearchParams();
      if (domain) asked.set("domain", domain);
      if (account) asked.set("account_id", account);
      const query = asked.size > 0 ? `?${asked}` : "";
      const made = new EventSource(`/v1/statistics/live${query}`);
      source = made;
      made.addEventListener("usage", (message) => {
        wait = firstWait;
        const event = JSON.parse(message.data) as LiveEvent;
        const point = pointOf(event);
        setLive(({ points }) => ({
          state: "live",
          event,
          points: [...points.filter(({ at }) => at > point.at - liveWindow && at < point.at), point],
        }));
      });
      made.addEventListener("end", (message) => {
        const { code } = JSON.parse(message.data) as { code: string };
        end(new Problem(code === "unauthorized" ? 401 : 403, code, ""));
      });
      // The browser tries again by itself when the connection broke, not when it was refused.
      made.addEventListener("error", () => {
        if (source !== made) return;
        tell("reconnecting");
        if (made.readyState === EventSource.CLOSED) again();
      });
    };

    // It does not say why it was refused; the same, asked once, does.
    const again = () => {
      stop();
      asking = new AbortController();
      const { signal } = asking;
      snapshot({ domain: domain || undefined, account_id: account }, signal).then(
        () => later(),
        (why: unknown) => {
          if (signal.aborted) return;
          const problem = why instanceof Problem ? why : new Problem(0, "network", "");
          const passing = problem.status === 0 || problem.status === 429 || problem.status >= 500;
          if (!passing) return end(problem);
          tell("reconnecting", problem);
          later();
        },
      );
    };
    const later = () => {
      timer = window.setTimeout(start, wait);
      wait = Math.min(longestWait, wait * 2);
    };

    const look = () => {
      if (over) return;
      if (paused || document.hidden) {
        stop();
        tell(paused ? "paused" : "hidden");
      } else {
        tell("connecting");
        start();
      }
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      stop();
    };
  }, [domain, account, paused, attempt, queries]);

  return live;
}
