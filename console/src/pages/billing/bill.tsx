// One bill, as it was issued, for the spreadsheet too; and whether it comes out the same when it is worked out again.

import { CheckCircleOutlined, DownloadOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, Button, Card, Descriptions, Flex, Skeleton } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { useAccountLink } from "@/pages/service/parts/account-choice";
import { dateTime, money } from "@/parts/format";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { span } from "./amounts";
import { BillBody } from "./bill-body";
import { useTimeZone } from "./use-time-zone";

export default function Bill() {
  const { t } = useTranslation("billing");
  const { number: text = "" } = useParams();
  const number = Number(text);
  const path = { bill: number };
  const bill = useQuery({
    queryKey: ["bill", number],
    queryFn: ({ signal }) => got(api.GET("/v1/bills/{bill}", { params: { path }, signal })),
    staleTime: Number.POSITIVE_INFINITY, // the same bytes every time
  });
  const again = useMutation({
    mutationFn: () => got(api.GET("/v1/bills/{bill}/recompute", { params: { path } })),
  });
  const timeZone = useTimeZone(bill.data?.account_id);
  const data = bill.data;
  const link = useAccountLink();

  return (
    <Page
      title={t("bill.title", { number: text })}
      about={<Link to={link("/bills", data?.account_id)}>{t("bill.back")}</Link>}
      actions={
        data && (
          <>
            <Button loading={again.isPending} icon={<CheckCircleOutlined aria-hidden />} onClick={() => again.mutate()}>
              {t("bill.again")}
            </Button>
            <Button
              href={`/v1/bills/${number}/csv`}
              download={`fairlead-bill-${number}.csv`}
              icon={<DownloadOutlined aria-hidden />}
            >
              {t("bill.csv")}
            </Button>
          </>
        )
      }
    >
      <ProblemAlert error={bill.error} onRetry={() => bill.refetch()} />
      <ProblemAlert error={again.error} />
      {again.data && <Verdict verdict={again.data} />}
      {bill.isPending && <Skeleton active />}
      {data && (
        <Flex vertical gap="middle">
          <Card>
            <Descriptions
              column={{ xs: 1, md: 2 }}
              items={[
                {
                  key: "amount",
                  label: t("bills.amount"),
                  children: <strong>{money(data.amount, data.currency)}</strong>,
                },
                { key: "span", label: t("bills.span"), children: span(t, data.from, data.to) },
                { key: "period", label: t("method.period"), children: t(`periods.${data.period}.name`) },
                ...(data.issued
                  ? [{ key: "issued", label: t("bills.issued-at"), children: dateTime(data.issued, timeZone) }]
                  : []),
                ...(timeZone ? [{ key: "zone", label: t("method.time-zone"), children: timeZone }] : []),
              ]}
            />
          </Card>
          <BillBody bill={data} timeZone={timeZone} />
        </Flex>
      )}
    </Page>
  );
}

function Verdict({ verdict }: { verdict: Schemas["BillComparison"] }) {
  const { t } = useTranslation("billing");
  return (
    <Alert
      type={verdict.equal ? "success" : "warning"}
      showIcon
      role="status"
      title={t(verdict.equal ? "verdict.equal" : "verdict.otherwise")}
      description={
        <>
          <div>{t("verdict.from-usage", { count: verdict.days_from_usage })}</div>
          {verdict.days_from_store > 0 && <div>{t("verdict.from-store", { count: verdict.days_from_store })}</div>}
          {!verdict.equal && <div>{t("verdict.late")}</div>}
        </>
      }
      style={{ marginBottom: 16 }}
    />
  );
}
