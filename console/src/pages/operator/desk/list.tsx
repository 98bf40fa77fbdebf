// The review desk: applications that wait, the oldest first; and those that were decided.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Flex, Radio, Select, Tag, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { count, dateTime } from "@/parts/format";
import { Page } from "@/parts/page";
import { AccountSelect } from "../parts/account-select";
import { PagedTable } from "../parts/paged-table";
import { stateColors } from "./states";

type Application = Schemas["Application"];

const states = ["submitted", "approved", "rejected", "all"] as const;
const kinds: Schemas["ApplicationKind"][] = ["activation", "architecture_change"];

export default function Desk() {
  const { t } = useTranslation("operator");
  const [params, setParams] = useSearchParams();
  const state = states.find((s) => s === params.get("state")) ?? "submitted";
  const kind = kinds.find((k) => k === params.get("kind"));
  const account = params.get("account") ?? undefined;
  const set = (name: string, value: string | undefined) =>
    setParams(
      (before) => {
        if (value) before.set(name, value);
        else before.delete(name);
        return before;
      },
      { replace: true },
    );

  const query = useInfiniteQuery({
    queryKey: ["applications", state, kind, account],
    initialPageParam: undefined as string | undefined,
    refetchInterval: 15_000,
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET("/v1/applications", {
          params: {
            query: {
              limit: 50,
              after: pageParam,
              state: state === "all" ? undefined : state,
              kind,
              account_id: account,
            },
          },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
  });

  return (
    <Page title={t("desk.title")} about={t("desk.about")} actions={<Link to="/notices">{t("notices.title")}</Link>}>
      <Flex gap="small" wrap align="center" style={{ marginBottom: 12 }}>
        <Radio.Group
          optionType="button"
          aria-label={t("state")}
          value={state}
          onChange={(event) => set("state", event.target.value)}
          options={states.map((value) => ({ value, label: t(`desk.filter.${value}`) }))}
        />
        <Select
          allowClear
          aria-label={t("desk.kind")}
          placeholder={t("desk.kind")}
          value={kind}
          onChange={(value?: string) => set("kind", value)}
          style={{ minWidth: 200 }}
          options={kinds.map((value) => ({ value, label: t(`desk.kinds.${value}`) }))}
        />
        <div style={{ minWidth: 200 }}>
          <AccountSelect
            label={t("account")}
            placeholder={t("account")}
            value={account}
            onChange={(id) => set("account", id)}
          />
        </div>
      </Flex>
      <PagedTable<Application>
        label={t("desk.title")}
        query={query}
        width={1000}
        empty={t(state === "submitted" && !kind && !account ? "desk.none" : "desk.none-such")}
        counted={(n) => t("desk.count", { count: n })}
        columns={[
          { title: t("desk.submitted"), dataIndex: "created", render: (date: string) => dateTime(date) },
          {
            title: t("account"),
            dataIndex: "account_name",
            render: (name: string, row) => <Link to={`/accounts/${row.account_id}`}>{name}</Link>,
          },
          {
            title: t("desk.kind"),
            dataIndex: "kind",
            render: (value: Application["kind"], row) => (
              <>
                {t(`desk.kinds.${value}`)}
                {row.domain && (
                  <Typography.Text type="secondary" style={{ display: "block" }}>
                    {row.domain}
                  </Typography.Text>
                )}
              </>
            ),
          },
          {
            title: t("desk.use-case"),
            key: "use",
            render: (_, row) => t(`desk.use-cases.${row.fields.use_case}`),
          },
          {
            title: t("desk.expected-sessions"),
            key: "sessions",
            align: "right",
            render: (_, row) =>
              row.fields.expected_sessions === undefined ? t("common:absent") : count(row.fields.expected_sessions),
          },
          {
            title: t("state"),
            dataIndex: "state",
            render: (value: Application["state"]) => <Tag color={stateColors[value]}>{t(`desk.states.${value}`)}</Tag>,
          },
          {
            title: t("actions"),
            key: "actions",
            render: (_, row) => (
              <Link
                to={`/desk/${row.id}`}
                aria-label={t(row.state === "submitted" ? "desk.review-of" : "desk.look-of", {
                  account: row.account_name,
                })}
              >
                {row.state === "submitted" ? t("desk.review") : t("desk.look")}
              </Link>
            ),
          },
        ]}
      />
    </Page>
  );
}
