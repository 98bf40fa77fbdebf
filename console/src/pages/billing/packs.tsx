// Resource packs: how long they last, those there are with what is left of each, and those that can be bought.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Card, Empty, Flex } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { AccountChoice, useChosenAccount } from "@/pages/service/parts/account-choice";
import { dateTime, money } from "@/parts/format";
import { ListTable } from "@/parts/list-table";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { span } from "./amounts";
import { Forecast } from "./forecast";
import { PackState } from "./pack-state";
import { Products } from "./products";
import { Remaining } from "./remaining";

type Pack = Schemas["ResourcePack"];

export default function Packs() {
  const { t } = useTranslation("billing");
  const { account: own } = useLogin();
  const accountId = useChosenAccount() ?? own.id;
  const packs = useInfiniteQuery({
    queryKey: ["packs", accountId],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET("/v1/resource-packs", {
          params: { query: { account_id: accountId, limit: 100, after: pageParam } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const rows = packs.data?.pages.flatMap((page) => page.items) ?? [];
  const h2 = (text: string) => <h2 style={{ margin: 0, fontSize: 16 }}>{text}</h2>;
  const usable = (state: Pack["state"]) => state === "active" || state === "frozen";

  return (
    <Page title={t("packs.title")} about={t("packs.about")} actions={<AccountChoice none="own" />}>
      <Flex vertical gap="middle">
        {rows.length > 0 && <Forecast accountId={accountId} />}
        <Card title={h2(t("packs.mine"))}>
          <ProblemAlert error={packs.error} onRetry={() => packs.refetch()} />
          {packs.isSuccess && rows.length === 0 ? (
            <Empty description={t("packs.none")} />
          ) : (
            <ListTable<Pack>
              label={t("packs.mine")}
              minWidth={860}
              rowKey="id"
              loading={packs.isPending}
              rows={rows}
              more={packs}
              columns={[
                {
                  title: t("packs.name"),
                  dataIndex: "name",
                  render: (name: string, row) => <Link to={`/packs/${row.id}`}>{name}</Link>,
                },
                { title: t("packs.state"), dataIndex: "state", render: (state) => <PackState state={state} /> },
                {
                  title: t("packs.remaining"),
                  key: "remaining",
                  width: 260,
                  render: (_, row) => <Remaining left={row.remaining} of={row.bytes} muted={!usable(row.state)} />,
                },
                { title: t("packs.validity"), key: "validity", render: (_, row) => span(t, row.from, row.until) },
                { title: t("packs.bought"), dataIndex: "bought", render: (at: string) => dateTime(at) },
                {
                  title: t("packs.price"),
                  key: "price",
                  align: "right",
                  render: (_, row) => money(row.price, row.currency),
                },
              ]}
            />
          )}
        </Card>
        <Card title={h2(t("products.title"))}>
          <Products accountId={accountId} />
        </Card>
      </Flex>
    </Page>
  );
}
