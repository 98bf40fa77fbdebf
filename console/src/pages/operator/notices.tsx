// The outbox: mails and webhooks that wait, were sent, or failed for good.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Flex, Radio, Tag, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { count, dateTime } from "@/parts/format";
import { Page } from "@/parts/page";
import { PagedTable } from "./parts/paged-table";

type Notice = Schemas["Notice"];

const states: Notice["state"][] = ["pending", "failed", "done"];
const colors: Record<Notice["state"], string> = { pending: "processing", failed: "error", done: "success" };

export default function Notices() {
  const { t } = useTranslation("operator");
  const [params, setParams] = useSearchParams();
  const state = states.find((s) => s === params.get("state")) ?? "pending";
  const query = useInfiniteQuery({
    queryKey: ["notices", state],
    initialPageParam: undefined as string | undefined,
    refetchInterval: 10_000,
    queryFn: ({ pageParam, signal }) =>
      got(api.GET("/v1/notices", { params: { query: { state, limit: 50, after: pageParam } }, signal })),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  return (
    <Page title={t("notices.title")} about={t("notices.about")}>
      <Flex style={{ marginBottom: 12 }}>
        <Radio.Group
          optionType="button"
          aria-label={t("state")}
          value={state}
          onChange={(event) => setParams({ state: event.target.value }, { replace: true })}
          options={states.map((value) => ({ value, label: t(`notices.states.${value}`) }))}
        />
      </Flex>
      <PagedTable<Notice>
        label={t("notices.title")}
        query={query}
        width={1000}
        empty={t(`notices.none.${state}`)}
        counted={(n) => t("notices.count", { count: n })}
        columns={[
          { title: t("notices.created"), dataIndex: "created", render: (date: string) => dateTime(date) },
          {
            title: t("notices.kind"),
            dataIndex: "kind",
            render: (kind: Notice["kind"]) => t(`notices.kinds.${kind}`),
          },
          { title: t("notices.destination"), dataIndex: "destination" },
          {
            title: t("state"),
            dataIndex: "state",
            render: (value: Notice["state"]) => <Tag color={colors[value]}>{t(`notices.states.${value}`)}</Tag>,
          },
          { title: t("notices.attempts"), dataIndex: "attempts", align: "right", render: count },
          {
            title: t("notices.next"),
            dataIndex: "next_attempt",
            render: (date: string | null) => (date ? dateTime(date) : t("common:absent")),
          },
          {
            title: t("notices.last-error"),
            dataIndex: "last_error",
            render: (error: string) =>
              error ? (
                <Typography.Text style={{ overflowWrap: "anywhere" }}>{error}</Typography.Text>
              ) : (
                t("common:absent")
              ),
          },
        ]}
      />
    </Page>
  );
}
