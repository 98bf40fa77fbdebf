// What a bill consists of: its charges tier by tier beside the same days by the other method, adjustments, and the days.

import { Card, Col, Flex, Row, Typography } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { money } from "@/parts/format";
import { Adjustments } from "./adjustments";
import { BillDays } from "./bill-days";
import { Charge } from "./charge";

interface Props {
  bill: Schemas["Bill"];
  timeZone: string | undefined;
}

export function BillBody({ bill, timeZone }: Props) {
  const { t } = useTranslation("billing");
  const { charges, what_if, currency, amount, adjustments, days } = bill;
  const late = adjustments.reduce((sum, one) => sum + one.amount, 0);
  const h2 = (text: string) => <h2 style={{ margin: 0, fontSize: 16 }}>{text}</h2>;
  // Adjustments are on the bill whichever method there would have been, so they are left out of the comparison.
  const difference = what_if ? what_if.amount - (amount - late) : 0;
  return (
    <Flex vertical gap="middle">
      <Row gutter={[16, 16]}>
        <Col xs={24} xxl={12}>
          <Card title={h2(t("bill.charges"))} style={{ height: "100%" }}>
            {charges.length === 0 && <Typography.Paragraph>{t("bill.no-charges")}</Typography.Paragraph>}
            {charges.map((charge) => (
              <Charge key={keyOf(charge)} charge={charge} currency={currency} />
            ))}
            <Total label={t("bill.sum")} value={money(amount - late, currency)} />
          </Card>
        </Col>
        <Col xs={24} xxl={12}>
          <Card title={h2(t("what-if.title"))} style={{ height: "100%" }}>
            <Typography.Paragraph type="secondary">
              {what_if ? t(`what-if.about-${what_if.method}`) : t("what-if.none")}
            </Typography.Paragraph>
            {what_if && (
              <>
                {what_if.charges.map((charge) => (
                  <Charge key={keyOf(charge)} charge={charge} currency={currency} />
                ))}
                <Total label={t("bill.sum")} value={money(what_if.amount, currency)} />
                <Typography.Paragraph style={{ margin: "8px 0 0" }}>
                  {difference === 0
                    ? t("what-if.same")
                    : difference > 0
                      ? t("what-if.more", { amount: money(difference, currency) })
                      : t("what-if.less", { amount: money(-difference, currency) })}
                </Typography.Paragraph>
              </>
            )}
          </Card>
        </Col>
      </Row>
      {adjustments.length > 0 && (
        <Card title={h2(t("adjustments.title"))}>
          <Adjustments rows={adjustments} currency={currency} />
          <Total label={t("bill.sum")} value={money(late, currency)} />
        </Card>
      )}
      {days.length > 0 && (
        <Card title={h2(t("days.title"))}>
          <BillDays days={days} timeZone={timeZone} />
        </Card>
      )}
    </Flex>
  );
}

const keyOf = (charge: Schemas["BillCharge"]) => `${charge.method} ${charge.from} ${charge.price_book}`;

function Total({ label, value }: { label: string; value: string }) {
  return (
    <Flex justify="space-between" gap="middle" style={{ marginTop: 8 }}>
      <Typography.Text strong>{label}</Typography.Text>
      <Typography.Text strong>{value}</Typography.Text>
    </Flex>
  );
}
