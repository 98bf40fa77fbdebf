// One charge of a bill: what was counted, what packs took of it, and the tiers it was priced by.

import { Typography } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { bitsPerSecond, bytes, money } from "@/parts/format";
import { ListTable } from "@/parts/list-table";
import { plain, price, quantity, span, unitOf } from "./amounts";

interface Props {
  charge: Schemas["BillCharge"];
  currency: string;
}

export function Charge({ charge, currency }: Props) {
  const { t } = useTranslation("billing");
  const { method, from, to, days, mode, unit: unitBytes, share, lines } = charge;
  const unit = unitOf(t, method, unitBytes);
  const title = t("charge.title", { method: t(`methods.${method}.name`), span: span(t, from, to) });
  return (
    <div style={{ marginBottom: 16 }}>
      <h3 style={{ margin: 0, fontSize: 15 }}>{title}</h3>
      <Typography.Paragraph type="secondary" style={{ marginBottom: 8 }}>
        {t("charge.days", { count: days })}{" "}
        {charge.bytes !== undefined && t("charge.traffic", { bytes: bytes(charge.bytes) })}{" "}
        {!!charge.pack_bytes && t("charge.packs", { bytes: bytes(charge.pack_bytes) })}{" "}
        {charge.peak_bps !== undefined && t("charge.peak", { peak: bitsPerSecond(charge.peak_bps) })}{" "}
        {share > 1 && t("charge.mean", { count: share })} {lines.length > 1 && t(`prices.mode.${mode}`)}
      </Typography.Paragraph>
      <ListTable
        label={title}
        minWidth={460}
        size="small"
        rowKey="tier"
        rows={lines}
        columns={[
          {
            title: t("tier.title"),
            key: "tier",
            render: (_, { tier, up_to }) =>
              up_to == null ? t("tier.open", { tier }) : t("tier.up-to", { tier, to: plain(up_to), unit }),
          },
          {
            title: t("charge.quantity"),
            dataIndex: "quantity",
            align: "right",
            render: (n: number) => t("charge.quantity-of", { quantity: quantity(n, unitBytes, share), unit }),
          },
          {
            title: t("price.title"),
            dataIndex: "price",
            align: "right",
            render: (micro: number) => price(t, micro, currency, unit),
          },
          {
            title: t("bills.amount"),
            dataIndex: "amount",
            align: "right",
            render: (micro: number) => money(micro, currency),
          },
        ]}
      />
    </div>
  );
}
