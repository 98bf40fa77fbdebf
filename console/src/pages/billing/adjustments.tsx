// What arrived after a day was closed, and what it costs.

import { Typography } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { bytes, money } from "@/parts/format";
import { ListTable } from "@/parts/list-table";
import { date, plain } from "./amounts";

type Adjustment = Schemas["BillAdjustment"];

// Bytes of five minutes that are 1 Mbit/s.
const megabit = 37_500_000;

export function Adjustments({ rows, currency }: { rows: Adjustment[]; currency: string }) {
  const { t } = useTranslation("billing");
  return (
    <>
      <Typography.Paragraph type="secondary">{t("adjustments.about")}</Typography.Paragraph>
      <ListTable<Adjustment>
        label={t("adjustments.title")}
        minWidth={700}
        size="small"
        rowKey={(row) => `${row.day} ${row.number}`}
        rows={rows}
        columns={[
          { title: t("days.day"), dataIndex: "day", render: date },
          {
            title: t("method.method"),
            dataIndex: "method",
            render: (method: Adjustment["method"]) => t(`methods.${method}.name`),
          },
          { title: t("adjustments.bytes"), dataIndex: "bytes", align: "right", render: bytes },
          { title: t("days.pack-bytes"), dataIndex: "pack_bytes", align: "right", render: bytes },
          {
            title: t("adjustments.peak"),
            key: "peak",
            align: "right",
            render: (_, row) =>
              row.peak_bytes === row.peak_bytes_before
                ? t("adjustments.same-peak")
                : t("adjustments.peaks", {
                    before: plain(row.peak_bytes_before / megabit),
                    after: plain(row.peak_bytes / megabit),
                  }),
          },
          {
            title: t("bills.amount"),
            dataIndex: "amount",
            align: "right",
            render: (micro: number) => money(micro, currency),
          },
        ]}
      />
    </>
  );
}
