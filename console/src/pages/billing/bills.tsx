// Bills: what runs now, and every bill that was issued.

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
import { useLogin, useStaff } from "@/shell/session";
import { span } from "./amounts";
import { RunningSummary } from "./running-summary";

type Summary = Schemas["BillSummary"];

export default function Bills() {
  const { t } = useTranslation("billing");
  const staff = useStaff();
  const chosen = useChosenAccount();
  const { account: own } = useLogin();
  const bills = useInfiniteQuery({
    queryKey: ["bills", chosen],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(api.GET("/v1/bills", { params: { query: { account_id: chosen, limit: 100, after: pageParam } }, signal })),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const rows = bills.data?.pages.flatMap((page) => page.items) ?? [];
  const h2 = (text: string) => <h2 style={{ margin: 0, fontSize: 16 }}>{text}</h2>;
  const runningOf = chosen ?? (staff ? undefined : own.id);

  return (
    <Page title={t("bills.title")} about={t("bills.about")} actions={<AccountChoice none="all" />}>
      <Flex vertical gap="middle">
        <Card title={h2(t("running.title"))}>
          {runningOf ? <RunningSummary accountId={runningOf} /> : t("running.choose-account")}
        </Card>
        <Card title={h2(t("bills.issued"))}>
          <ProblemAlert error={bills.error} onRetry={() => bills.refetch()} />
          {bills.isSuccess && rows.length === 0 ? (
            <Empty description={t("bills.none")} />
          ) : (
            <ListTable<Summary>
              label={t("bills.issued")}
              minWidth={staff ? 860 : 680}
              rowKey="id"
              loading={bills.isPending}
              rows={rows}
              more={bills}
              columns={[
                {
                  title: t("bills.number"),
                  dataIndex: "number",
                  render: (number: number) => <Link to={`/bills/${number}`}>{t("bills.number-of", { number })}</Link>,
                },
                ...(staff ? [{ title: t("bills.account"), dataIndex: "account_name" }] : []),
                { title: t("bills.span"), key: "span", render: (_, row) => span(t, row.from, row.to) },
                {
                  title: t("method.period"),
                  dataIndex: "period",
                  render: (period: Summary["period"]) => t(`periods.${period}.name`),
                },
                {
                  title: t("bills.amount"),
                  key: "amount",
                  align: "right",
                  render: (_, row) => money(row.amount, row.currency),
                },
                { title: t("bills.issued-at"), dataIndex: "issued", render: (at: string) => dateTime(at) },
              ]}
            />
          )}
        </Card>
      </Flex>
    </Page>
  );
}
