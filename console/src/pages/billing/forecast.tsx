// How long an account's resource packs last when its days go on like the last ones.

import { useQuery } from "@tanstack/react-query";
import { Alert, Card, Col, Row, Skeleton, Statistic } from "antd";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { bytes } from "@/parts/format";
import { ProblemAlert } from "@/parts/problem";
import { date } from "./amounts";

export function Forecast({ accountId }: { accountId: string }) {
  const { t } = useTranslation("billing");
  const forecast = useQuery({
    queryKey: ["pack-forecast", accountId],
    queryFn: ({ signal }) =>
      got(api.GET("/v1/pack-forecast", { params: { query: { account_id: accountId } }, signal })),
  });
  const data = forecast.data;
  return (
    <Card title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("forecast.title")}</h2>}>
      <ProblemAlert error={forecast.error} onRetry={() => forecast.refetch()} />
      {forecast.isPending && <Skeleton active />}
      {data && (
        <>
          {data.frozen && <Alert type="info" showIcon title={t("forecast.frozen")} style={{ marginBottom: 16 }} />}
          <Row gutter={[24, 16]}>
            <Col xs={24} sm={12} lg={6}>
              <Statistic title={t("forecast.remaining")} value={bytes(data.remaining)} />
            </Col>
            <Col xs={24} sm={12} lg={6}>
              <Statistic
                title={t("forecast.daily", { count: data.days_known })}
                value={data.days_known > 0 ? bytes(data.daily_bytes) : t("forecast.unknown")}
              />
            </Col>
            <Col xs={24} sm={12} lg={6}>
              <Statistic
                title={t("forecast.exhausted")}
                value={data.exhausted_on ? date(data.exhausted_on) : t("forecast.not-foreseen")}
              />
            </Col>
            <Col xs={24} sm={12} lg={6}>
              <Statistic title={t("forecast.expiring")} value={bytes(data.expiring_unused)} />
            </Col>
          </Row>
        </>
      )}
    </Card>
  );
}
