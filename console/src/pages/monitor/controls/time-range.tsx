// From when to when: a span up to now, or two times by the account's clock.

import { DatePicker, Flex, Segmented } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import { useTranslation } from "react-i18next";
import { type Filters, iso, mostSpan, type Preset, presets, rangeOf } from "../filters";
import { momentOf, wallOf } from "../zone";

interface Props {
  filters: Filters;
  zone: string;
  onChange: (change: Partial<Filters>) => void;
}

const keptDays = 366;

// The picker knows the browser's clock alone: it is given what the account's clock says, and what it gives is read so.
function toPicker(ms: number, zone: string): Dayjs {
  const { year, month, day, hour, minute } = wallOf(ms, zone);
  return dayjs(new Date(year, month - 1, day, hour, minute));
}
function fromPicker(d: Dayjs, zone: string): number {
  const wall = { year: d.year(), month: d.month() + 1, day: d.date(), hour: d.hour(), minute: d.minute() };
  return momentOf(wall, zone);
}

export function TimeRange({ filters, zone, onChange }: Props) {
  const { t } = useTranslation("monitor");
  const now = Date.now();
  const { start, end } = rangeOf(filters, now);
  const today = toPicker(now, zone);
  const choose = (preset: Preset) => onChange({ preset, from: undefined, to: undefined });
  return (
    <Flex gap="small" wrap align="center">
      <div style={{ maxWidth: "100%", overflowX: "auto" }}>
        <Segmented
          aria-label={t("time-range")}
          value={filters.preset ?? ""}
          onChange={(value) => value && choose(value as Preset)}
          options={Object.keys(presets).map((value) => ({ value, label: t(`preset.${value}`) }))}
        />
      </div>
      <DatePicker.RangePicker
        aria-label={t("time-range-own")}
        showTime={{ format: "HH:mm", minuteStep: 5 }}
        format="YYYY-MM-DD HH:mm"
        allowClear={false}
        style={{ maxWidth: "100%" }}
        value={[toPicker(start, zone), toPicker(end, zone)]}
        placeholder={[t("from"), t("to")]}
        disabledDate={(date, { from }) =>
          date.isAfter(today, "day") ||
          date.isBefore(today.subtract(keptDays, "day"), "day") ||
          (from !== undefined && Math.abs(date.diff(from, "day")) > mostSpan / 86_400_000)
        }
        onChange={(range) => {
          if (!range?.[0] || !range[1]) return;
          const from = fromPicker(range[0], zone);
          const to = Math.max(fromPicker(range[1], zone), from + 300_000);
          onChange({ preset: undefined, from: iso(from), to: iso(to) });
        }}
      />
    </Flex>
  );
}
