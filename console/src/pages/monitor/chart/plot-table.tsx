// What a chart draws, as a table: a row for each interval, the newest first, a column for each curve.

import { Tag } from "antd";
import { useTranslation } from "react-i18next";
import { WideTable } from "@/parts/wide-table";
import { isGap, type Plot, type Slot } from "../plot";
import { between } from "../zone";

interface Props {
  plot: Plot;
  format: (n: number) => string;
  zone: string;
  label: string;
}

interface Row {
  slot: Slot;
  at: number;
}

export function PlotTable({ plot, format, zone, label }: Props) {
  const { t } = useTranslation("monitor");
  const rows = plot.slots.map((slot, at): Row => ({ slot, at })).reverse();
  return (
    <WideTable<Row>
      aria-label={label}
      size="small"
      rowKey="at"
      dataSource={rows}
      pagination={{ defaultPageSize: 50, hideOnSinglePage: true, showSizeChanger: false, size: "small" }}
      width={260 + plot.curves.length * 140}
      columns={[
        {
          title: t("interval"),
          key: "time",
          width: 260,
          render: (_, { slot }) => (
            <>
              {between(slot.time, slot.end, zone)}
              {slot.state !== "whole" && <Tag style={{ marginInlineStart: 8 }}>{t(`slot-state.${slot.state}`)}</Tag>}
            </>
          ),
        },
        ...plot.curves.map((curve) => ({
          title: curve.name,
          key: curve.id,
          width: 140,
          align: "end" as const,
          render: (_: unknown, { slot, at }: Row) => {
            const value = curve.values[at];
            return isGap(slot) || value == null ? t("no-data") : format(value);
          },
        })),
      ]}
    />
  );
}
