// Domain Names: every domain, found by its name, with its state and its WebSocket switch. Pages of the API are fetched as
// one scrolls, and only the rows in sight are drawn.

import { PlusOutlined } from "@ant-design/icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Empty, Flex, Input, Select, Table, Tag, Typography } from "antd";
import { useDeferredValue, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { LinkButton } from "@/parts/link-button";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { useLogin, useStaff } from "@/shell/session";
import { stateColors } from "./states";

type Summary = Schemas["DomainSummary"];
type State = Schemas["DomainState"];

const states: State[] = ["online", "offline", "configuring", "checking", "check_failed"];

export default function DomainList() {
  const { t } = useTranslation("domains");
  const staff = useStaff();
  const mayWrite = useLogin().may_write;
  const [typed, setTyped] = useState("");
  const search = useDeferredValue(typed.trim());
  const [state, setState] = useState<State>();

  const query = useInfiniteQuery({
    queryKey: ["domains", search, state],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET("/v1/domains", {
          params: { query: { limit: 200, after: pageParam, search: search || undefined, state } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
    // What was fetched before is not compared anew with every page of a long list.
    structuralSharing: false,
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const none = query.isSuccess && rows.length === 0;
  const unfiltered = !search && !state;

  return (
    <Page
      title={t("title")}
      about={t("about")}
      actions={
        mayWrite && (
          <LinkButton to="/domains/add" type="primary" icon={<PlusOutlined aria-hidden />}>
            {t("add")}
          </LinkButton>
        )
      }
    >
      <Flex gap="small" wrap style={{ marginBottom: 12 }}>
        <Input.Search
          allowClear
          aria-label={t("search")}
          placeholder={t("search")}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          style={{ maxWidth: 320 }}
        />
        <Select
          allowClear
          aria-label={t("state")}
          placeholder={t("state")}
          value={state}
          onChange={setState}
          style={{ minWidth: 160 }}
          options={states.map((value) => ({ value, label: t(`states.${value}`) }))}
        />
        {query.data && (
          <Typography.Text type="secondary" style={{ alignSelf: "center" }} role="status">
            {t("count", { count: query.data.pages[0]?.total ?? 0 })}
          </Typography.Text>
        )}
      </Flex>
      <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      {none && unfiltered ? (
        <Empty description={t("none")}>
          {mayWrite && (
            <LinkButton to="/domains/add" type="primary">
              {t("add-first")}
            </LinkButton>
          )}
        </Empty>
      ) : (
        <Table<Summary>
          virtual
          rowKey="id"
          size="middle"
          pagination={false}
          loading={query.isPending}
          dataSource={rows}
          scroll={{ x: staff ? 1040 : 860, y: Math.max(240, window.innerHeight - 300) }}
          onScroll={(event) => {
            const box = event.currentTarget;
            const near = box.scrollHeight - box.scrollTop - box.clientHeight < 1200;
            if (near && query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
          }}
          columns={[
            {
              title: t("name"),
              dataIndex: "name",
              width: 280,
              ellipsis: true,
              render: (name: string) => <Link to={`/domains/${name}`}>{name}</Link>,
            },
            {
              title: t("state"),
              dataIndex: "state",
              width: 150,
              render: (value: State, row) => (
                <Tag color={stateColors[value]} title={row.state_reason}>
                  {t(`states.${value}`)}
                </Tag>
              ),
            },
            {
              title: "WebSocket",
              dataIndex: "websocket_enabled",
              width: 120,
              render: (on: boolean) => (on ? t("on") : t("off")),
            },
            {
              title: t("acceleration"),
              dataIndex: "acceleration",
              width: 130,
              render: (value: Summary["acceleration"]) => t(`accelerations.${value}`),
            },
            ...(staff ? [{ title: t("account"), dataIndex: "account_name", width: 180, ellipsis: true }] : []),
            {
              title: t("actions"),
              key: "actions",
              width: 180,
              render: (_, row) => (
                <Flex gap="middle">
                  <Link to={`/domains/${row.name}/basics`}>{t("configure")}</Link>
                  <Link to={`/monitor?domain=${encodeURIComponent(row.name)}`}>{t("monitor")}</Link>
                </Flex>
              ),
            },
          ]}
        />
      )}
    </Page>
  );
}
