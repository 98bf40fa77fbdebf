// The days of a bill with what was counted on each.

import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { bitsPerSecond, bytes, dateTime } from "@/parts/format";
import { ListTable } from "@/parts/list-table";
import { date } from "./amounts";

type Day = Schemas["BillDay"];

export function BillDays({ days, timeZone }: { days: Day[]; timeZone: string | undefined }) {
  const { t } = useTranslation("billing");
  return (
    <ListTable<Day>
      label={t("days.title")}
      minWidth={900}
      size="small"
      rowKey="day"
      rows={days}
      columns={[
        { title: t("days.day"), dataIndex: "day", render: date },
        {
          title: t("days.span"),
          key: "span",
          render: (_, row) => t("span", { from: dateTime(row.begin, timeZone), to: dateTime(row.end, timeZone) }),
        },
        {
          title: t("method.method"),
          dataIndex: "method",
          render: (method: Day["method"]) => t(`methods.${method}.name`),
        },
        { title: t("days.bytes"), dataIndex: "bytes", align: "right", render: bytes },
        { title: t("days.pack-bytes"), dataIndex: "pack_bytes", align: "right", render: bytes },
        { title: t("days.peak"), dataIndex: "peak_bps", align: "right", render: bitsPerSecond },
        {
          title: t("days.peak-at"),
          dataIndex: "peak_at",
          render: (at: string | null) => (at ? dateTime(at, timeZone) : t("common:none")),
        },
      ]}
    />
  );
}
