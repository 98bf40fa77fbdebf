// The running bills with all that is in them.

import { Alert, Card, Flex, Skeleton } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { AccountChoice, useAccountLink, useChosenAccount } from "@/pages/service/parts/account-choice";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { span } from "./amounts";
import { BillBody } from "./bill-body";
import { isPriced, useRunning } from "./use-running";
import { useTimeZone } from "./use-time-zone";

export default function RunningBills() {
  const { t } = useTranslation("billing");
  const { account: own } = useLogin();
  const accountId = useChosenAccount() ?? own.id;
  const link = useAccountLink();
  const running = useRunning(accountId);
  const timeZone = useTimeZone(accountId);
  return (
    <Page
      title={t("running.title")}
      about={
        <>
          {t("running.about")} <Link to={link("/bills", accountId)}>{t("bill.back")}</Link>
        </>
      }
      actions={<AccountChoice none="own" />}
    >
      <ProblemAlert error={running.error} onRetry={() => running.refetch()} />
      {running.isPending && <Skeleton active />}
      {running.data?.length === 0 && <Alert type="info" showIcon title={t("running.none")} />}
      <Flex vertical gap="large">
        {running.data?.map(({ bill, waits_for }) => (
          <Card
            key={`${bill.period} ${bill.from} ${bill.currency}`}
            title={<h2 style={{ margin: 0, fontSize: 16 }}>{span(t, bill.from, bill.to)}</h2>}
          >
            <Alert
              type={waits_for === "price" ? "warning" : "info"}
              showIcon
              title={t(`running.waits-for.${waits_for}`)}
              style={{ marginBottom: 16 }}
            />
            {isPriced(bill) && <BillBody bill={bill} timeZone={timeZone} />}
          </Card>
        ))}
      </Flex>
    </Page>
  );
}
