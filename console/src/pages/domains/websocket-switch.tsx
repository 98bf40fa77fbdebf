// The switch itself: asks first what becomes of live sessions, then switches against the revision that was asked about.

import { type InfiniteData, useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { gotWithTag, Problem } from "@/api/problem";
import { useDanger } from "./danger";
import { domainKey, partKey, type WebSocket } from "./domain";

export interface ReadWebSocket {
  data: WebSocket;
  etag: string;
}

type Lists = InfiniteData<Schemas["DomainPage"]>;

export const readWebSocket = (name: string, signal?: AbortSignal): Promise<ReadWebSocket> =>
  gotWithTag(api.GET("/v1/domains/{domain}/websocket", { params: { path: { domain: name } }, signal }));

// What was answered to a change, put where pages look: the settings, and the row of each list. Lists are not read anew, they
// may be long.
export function useTakeWebSocket() {
  const queries = useQueryClient();
  return (name: string, read: ReadWebSocket) => {
    queries.setQueryData(partKey(name, "websocket"), read);
    void queries.invalidateQueries({ queryKey: domainKey(name), exact: true });
    void queries.invalidateQueries({ queryKey: partKey(name, "gates") });
    queries.setQueriesData<Lists>({ queryKey: ["domains"] }, (lists) =>
      lists?.pages
        ? {
            ...lists,
            pages: lists.pages.map((page) => ({
              ...page,
              items: page.items.map((row) =>
                row.name === name
                  ? { ...row, websocket_enabled: read.data.enabled, revision: read.data.revision }
                  : row,
              ),
            })),
          }
        : lists,
    );
  };
}

// Done with undefined: the user thought better of it.
export function useWebSocketSwitch() {
  const { t } = useTranslation("configure");
  const ask = useDanger();
  const take = useTakeWebSocket();
  return useMutation({
    mutationFn: async ({ name, on }: { name: string; on: boolean }) => {
      const { data, etag } = await readWebSocket(name);
      if (!data.usable) {
        const unmet = data.gates.filter((gate) => !gate.met);
        throw new Problem(
          409,
          "gates_unmet",
          "",
          unmet.map((gate) => ({ ...gate, pointer: "", message: t(`gate.${gate.code}.unmet`), hint: undefined })),
        );
      }
      if (!on) {
        const sure = await ask({
          name,
          title: t("websocket.off-title", { name }),
          about: t("websocket.off-about"),
          ok: t("websocket.off-do"),
          websocket: data.effective as Schemas["WebSocketSettings"],
        });
        if (!sure) return undefined;
      }
      return gotWithTag(
        api.PATCH("/v1/domains/{domain}/websocket", {
          params: { path: { domain: name }, header: { "if-match": etag } },
          body: { enabled: on } as unknown as Schemas["WebSocketPatch"],
        }),
      );
    },
    onSuccess: (read, { name }) => {
      if (read) take(name, read);
    },
  });
}
