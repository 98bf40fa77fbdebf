// The billing method: how the account is billed now, the change that is pending, choosing another, and what it costs.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Card, Descriptions, Flex, Skeleton, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { AccountChoice, useAccountLink, useChosenAccount } from "@/pages/service/parts/account-choice";
import { dateTime } from "@/parts/format";
import { ListTable } from "@/parts/list-table";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { date } from "./amounts";
import { Choose } from "./choose";
import { Prices } from "./prices";
import { usePrices } from "./use-prices";

type Billing = Schemas["Billing"];

export default function BillingMethod() {
  const { t } = useTranslation("billing");
  const { account: own } = useLogin();
  const accountId = useChosenAccount() ?? own.id;
  const billing = useQuery({
    queryKey: ["billing", accountId],
    queryFn: ({ signal }) => got(api.GET("/v1/billing", { params: { query: { account_id: accountId } }, signal })),
  });
  const { present, coming, error } = usePrices(billing.data);
  const operators = own.kind === "operator" && accountId === own.id;
  const h2 = (text: string) => <h2 style={{ margin: 0, fontSize: 16 }}>{text}</h2>;

  return (
    <Page title={t("method.title")} about={t("method.about")} actions={<AccountChoice none="own" />}>
      <ProblemAlert error={billing.error} onRetry={() => billing.refetch()} />
      {billing.isPending && <Skeleton active />}
      {billing.data && (
        <Flex vertical gap="middle">
          {operators && <Alert type="info" showIcon title={t("operators.title")} description={t("operators.method")} />}
          {billing.data.pending && <Pending billing={billing.data} />}
          <Card title={h2(t("method.present"))}>
            <Present billing={billing.data} />
          </Card>
          {!operators && (
            <Card title={h2(t(billing.data.current ? "choose.title" : "choose.first"))}>
              <Choose key={accountId} billing={billing.data} book={present.data} />
            </Card>
          )}
          <Card title={h2(t("prices.title"))}>
            <ProblemAlert error={error} />
            {billing.data.price_book === null && (
              <Typography.Paragraph style={{ margin: 0 }}>{t("prices.none")}</Typography.Paragraph>
            )}
            {billing.data.price_book !== null && present.isPending && <Skeleton active />}
            {present.data && (
              <>
                <Typography.Paragraph>
                  {t(present.data.account_id ? "prices.own-since" : "prices.since", {
                    date: date(present.data.effective),
                  })}
                </Typography.Paragraph>
                <Prices book={present.data} />
              </>
            )}
            {coming.map((book) => (
              <details key={book.id} style={{ marginTop: 16 }}>
                <summary>{t("prices.coming", { date: date(book.effective) })}</summary>
                <Prices book={book} />
              </details>
            ))}
          </Card>
          {billing.data.history.length > 0 && (
            <Card title={h2(t("history.title"))}>
              <ListTable
                label={t("history.title")}
                minWidth={520}
                size="small"
                rowKey="effective"
                rows={billing.data.history.toReversed()}
                columns={[
                  {
                    title: t("history.method"),
                    key: "method",
                    render: (_, row) => t(`choices.${row.method}-${row.period}`),
                  },
                  {
                    title: t("history.effective"),
                    dataIndex: "effective",
                    render: (at: string) => dateTime(at, billing.data.time_zone),
                  },
                  {
                    title: t("history.chosen"),
                    dataIndex: "chosen",
                    render: (at: string) => dateTime(at, billing.data.time_zone),
                  },
                ]}
              />
            </Card>
          )}
        </Flex>
      )}
    </Page>
  );
}

function Present({ billing }: { billing: Billing }) {
  const { t } = useTranslation("billing");
  const link = useAccountLink();
  const { current, time_zone } = billing;
  if (!current) return <Typography.Paragraph style={{ margin: 0 }}>{t("method.none")}</Typography.Paragraph>;
  return (
    <>
      <Descriptions
        column={{ xs: 1, md: 2 }}
        items={[
          { key: "method", label: t("method.method"), children: t(`methods.${current.method}.name`) },
          { key: "period", label: t("method.period"), children: t(`periods.${current.period}.name`) },
          { key: "since", label: t("method.since"), children: dateTime(current.effective, time_zone) },
          { key: "zone", label: t("method.time-zone"), children: time_zone },
        ]}
      />
      <Link to={link("/bills", billing.account_id)}>{t("method.to-bills")}</Link>
    </>
  );
}

function Pending({ billing }: { billing: Billing }) {
  const { t } = useTranslation("billing");
  const { modal, message } = App.useApp();
  const mayWrite = useLogin().may_write;
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => got(api.POST("/v1/billing/cancel", { body: { account_id: billing.account_id } })),
    onSuccess: (now) => {
      queries.setQueryData(["billing", billing.account_id], now);
      message.success(t("pending.cancelled"));
    },
    onError: () => void queries.invalidateQueries({ queryKey: ["billing", billing.account_id] }),
  });
  if (!billing.pending) return null;
  const { method, period, effective, chosen } = billing.pending;
  return (
    <div>
      <ProblemAlert error={cancel.error} />
      <Alert
        type="warning"
        showIcon
        title={t("pending.title", { choice: t(`choices.${method}-${period}`) })}
        description={t("pending.about", {
          at: dateTime(effective, billing.time_zone),
          zone: billing.time_zone,
          chosen: dateTime(chosen, billing.time_zone),
        })}
        action={
          <Button
            disabled={!mayWrite}
            loading={cancel.isPending}
            onClick={() =>
              modal.confirm({
                title: t("pending.cancel-title"),
                content: t("pending.cancel-about"),
                okText: t("pending.cancel"),
                cancelText: t("pending.keep"),
                onOk: () => cancel.mutate(),
              })
            }
          >
            {t("pending.cancel")}
          </Button>
        }
      />
    </div>
  );
}
