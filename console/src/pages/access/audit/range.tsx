// From when until when, either end open.

import { DatePicker } from "antd";
import dayjs from "dayjs";
import { useTranslation } from "react-i18next";
import type { Filters } from "./filters";

interface Props {
  filters: Filters;
  opened: boolean; // for who has just asked for it
  onChange: (range: Pick<Filters, "start_time" | "end_time">) => void;
}

export default function AuditRange({ filters, opened, onChange }: Props) {
  const { t } = useTranslation("access");
  return (
    <DatePicker.RangePicker
      showTime={{ format: "HH:mm" }}
      format="YYYY-MM-DD HH:mm"
      allowEmpty
      autoFocus={opened}
      defaultOpen={opened}
      aria-label={t("audit.time")}
      placeholder={[t("audit.start"), t("audit.end")]}
      value={[timeOf(filters.start_time), timeOf(filters.end_time)]}
      onChange={(range) =>
        onChange({
          start_time: range?.[0]?.startOf("minute").toISOString(),
          end_time: range?.[1]?.startOf("minute").toISOString(),
        })
      }
    />
  );
}

function timeOf(text: string | undefined) {
  const time = text ? dayjs(text) : null;
  return time?.isValid() ? time : null;
}
