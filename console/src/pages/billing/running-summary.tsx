// The running bills in a line each, with a way to all that is in them.

import { Empty, Flex, Skeleton, Statistic, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useAccountLink } from "@/pages/service/parts/account-choice";
import { money } from "@/parts/format";
import { LinkButton } from "@/parts/link-button";
import { ProblemAlert } from "@/parts/problem";
import { span } from "./amounts";
import { isPriced, useRunning } from "./use-running";

export function RunningSummary({ accountId }: { accountId: string }) {
  const { t } = useTranslation("billing");
  const link = useAccountLink();
  const running = useRunning(accountId);
  if (running.isPending) return <Skeleton active />;
  if (running.isError) return <ProblemAlert error={running.error} onRetry={() => running.refetch()} />;
  if (running.data.length === 0)
    return (
      <Empty description={t("running.none")}>
        <Link to={link("/billing", accountId)}>{t("running.to-method")}</Link>
      </Empty>
    );
  return (
    <Flex vertical gap="middle" align="flex-start">
      <Flex gap="large" wrap>
        {running.data.map(({ bill, waits_for }) => (
          <div key={`${bill.period} ${bill.from} ${bill.currency}`}>
            <Statistic
              title={span(t, bill.from, bill.to)}
              value={isPriced(bill) ? money(bill.amount, bill.currency) : t("running.no-price")}
            />
            <Typography.Text type="secondary">{t(`running.waits-for.${waits_for}`)}</Typography.Text>
          </div>
        ))}
      </Flex>
      <LinkButton to={link("/bills/running", accountId)}>{t("running.show")}</LinkButton>
    </Flex>
  );
}
