// Content: WebSockets. For those who look for the switch where it is in other services: every domain with its switch, in place.

import { LoadingOutlined } from "@ant-design/icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Empty, Flex, Input, Switch, Table, Tag, Typography } from "antd";
import { useDeferredValue, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { Effect } from "@/parts/effect";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { Refused } from "./refused";
import { stateColors } from "./states";
import { useWebSocketSwitch } from "./websocket-switch";

type Summary = Schemas["DomainSummary"];

export default function ContentWebSockets() {
  const { t } = useTranslation(["domains", "configure"]);
  const mayWrite = useLogin().may_write;
  const [typed, setTyped] = useState("");
  const search = useDeferredValue(typed.trim());
  const toggle = useWebSocketSwitch();
  const query = useInfiniteQuery({
    queryKey: ["domains", search, undefined],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET("/v1/domains", {
          params: { query: { limit: 200, after: pageParam, search: search || undefined } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const which = toggle.variables?.name;
  return (
    <Page title={t("content.title")} about={t("content.about")}>
      <Flex gap="small" wrap align="center" style={{ marginBottom: 12 }}>
        <Input.Search
          allowClear
          aria-label={t("search")}
          placeholder={t("search")}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          style={{ maxWidth: 320 }}
        />
        {query.data && (
          <Typography.Text type="secondary" role="status">
            {t("count", { count: query.data.pages[0]?.total ?? 0 })}
          </Typography.Text>
        )}
      </Flex>
      <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      {toggle.error && which && (
        <Typography.Paragraph>
          <Link to={`/domains/${encodeURIComponent(which)}/going-live`}>{t("content.failed", { name: which })}</Link>
        </Typography.Paragraph>
      )}
      <Refused error={toggle.error} onReload={() => void query.refetch().then(() => toggle.reset())} />
      {query.isSuccess && rows.length === 0 ? (
        <Empty description={search ? t("content.none-found") : t("none")}>
          {!search && mayWrite && <Link to="/domains/add">{t("add-first")}</Link>}
        </Empty>
      ) : (
        <Table<Summary>
          virtual
          rowKey="id"
          size="middle"
          pagination={false}
          loading={query.isPending}
          dataSource={rows}
          scroll={{ x: 920, y: Math.max(240, window.innerHeight - 300) }}
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
              render: (name: string) => <Link to={`/domains/${encodeURIComponent(name)}/websocket`}>{name}</Link>,
            },
            {
              title: t("state"),
              dataIndex: "state",
              width: 140,
              render: (value: Summary["state"]) => <Tag color={stateColors[value]}>{t(`states.${value}`)}</Tag>,
            },
            {
              title: "WebSocket",
              dataIndex: "websocket_enabled",
              width: 380,
              render: (on: boolean, row) => {
                const mine = which === row.name;
                return (
                  <Flex gap="small" align="center">
                    <Switch
                      aria-label={t("content.switch", { name: row.name })}
                      checked={on}
                      disabled={!mayWrite}
                      // Never disabled meanwhile, nor during the question: the focus would be lost.
                      onChange={(enabled) => !toggle.isPending && toggle.mutate({ name: row.name, on: enabled })}
                    />
                    <span>{on ? t("on") : t("off")}</span>
                    {mine && toggle.isPending && <LoadingOutlined aria-hidden />}
                    {mine && <Effect change={toggle.data?.data.policy_change} />}
                  </Flex>
                );
              },
            },
            {
              title: t("actions"),
              key: "actions",
              width: 120,
              render: (_, row) => (
                <Link
                  to={`/domains/${encodeURIComponent(row.name)}/websocket`}
                  aria-label={t("content.settings-of", { name: row.name })}
                >
                  {t("content.settings")}
                </Link>
              ),
            },
          ]}
        />
      )}
    </Page>
  );
}
