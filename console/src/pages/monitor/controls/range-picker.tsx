// Two times by the account's clock, each to five minutes.

import { DatePicker } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import { mostSpan, type Range } from "../filters";
import { momentOf, wallOf } from "../zone";

interface Props {
  label: string;
  from: string;
  to: string;
  range: Range;
  now: number;
  zone: string;
  opened: boolean; // for who has just asked for it
  onChange: (range: Range) => void;
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

export default function RangePicker({ label, from, to, range, now, zone, opened, onChange }: Props) {
  const today = toPicker(now, zone);
  return (
    <DatePicker.RangePicker
      aria-label={label}
      showTime={{ format: "HH:mm", minuteStep: 5 }}
      format="YYYY-MM-DD HH:mm"
      allowClear={false}
      autoFocus={opened}
      defaultOpen={opened}
      style={{ maxWidth: "100%" }}
      value={[toPicker(range.start, zone), toPicker(range.end, zone)]}
      placeholder={[from, to]}
      disabledDate={(date, { from: other }) =>
        date.isAfter(today, "day") ||
        date.isBefore(today.subtract(keptDays, "day"), "day") ||
        (other !== undefined && Math.abs(date.diff(other, "day")) > mostSpan / 86_400_000)
      }
      onChange={(chosen) => {
        if (!chosen?.[0] || !chosen[1]) return;
        const start = fromPicker(chosen[0], zone);
        onChange({ start, end: Math.max(fromPicker(chosen[1], zone), start + 300_000) });
      }}
    />
  );
}
