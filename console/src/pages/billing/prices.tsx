// What traffic and bandwidth cost by one price book, tier by tier.

import { Col, Row, Typography } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { ListTable } from "@/parts/list-table";
import { type Method, plain, price, unitOf } from "./amounts";

type Book = Schemas["PriceBook"];
type Period = Schemas["BillingPeriod"];

export function tariffOf(book: Book, method: Method, period: Period) {
  return (method === "traffic" ? book.traffic : book.bandwidth)[period] ?? null;
}

export function Prices({ book }: { book: Book }) {
  const { t } = useTranslation("billing");
  return (
    <>
      <Typography.Paragraph type="secondary">{t(`prices.basis.${book.basis}`)}</Typography.Paragraph>
      <Row gutter={[24, 16]}>
        {(["traffic", "bandwidth"] as const).flatMap((method) =>
          (["day", "month"] as const).map((period) => (
            <Col key={`${method} ${period}`} xs={24} xl={12}>
              <Tiers book={book} method={method} period={period} />
            </Col>
          )),
        )}
      </Row>
    </>
  );
}

function Tiers({ book, method, period }: { book: Book; method: Method; period: Period }) {
  const { t } = useTranslation("billing");
  const tariff = tariffOf(book, method, period);
  const title = t(`choices.${method}-${period}`);
  const unit = unitOf(t, method, book.unit_bytes);
  const rows = (tariff?.tiers ?? []).map((tier, i, all) => {
    const from = all[i - 1]?.up_to;
    const to = tier.up_to;
    const range =
      from == null && to == null
        ? t("tier.all")
        : from == null
          ? t("tier.first", { to: plain(to ?? 0), unit })
          : to == null
            ? t("tier.over", { from: plain(from), unit })
            : t("tier.between", { from: plain(from), to: plain(to), unit });
    return { key: i, range, price: price(t, tier.price, book.currency, unit) };
  });
  return (
    <>
      <h3 style={{ margin: "0 0 4px", fontSize: 15 }}>{title}</h3>
      {tariff ? (
        <>
          <Typography.Paragraph type="secondary" style={{ marginBottom: 8 }}>
            {t(`prices.what.${method}-${period}`)} {tariff.tiers.length > 1 && t(`prices.mode.${tariff.mode}`)}
          </Typography.Paragraph>
          <ListTable
            label={title}
            minWidth={300}
            size="small"
            rowKey="key"
            rows={rows}
            columns={[
              { title: t("tier.title"), dataIndex: "range" },
              { title: t("price.title"), dataIndex: "price", align: "right" },
            ]}
          />
        </>
      ) : (
        <Typography.Paragraph type="secondary">{t("prices.not-offered")}</Typography.Paragraph>
      )}
    </>
  );
}
