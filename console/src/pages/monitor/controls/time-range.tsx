// From when to when: a span up to now, or two times by the account's clock.

import { Flex, Segmented, Skeleton } from "antd";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { type Filters, iso, type Preset, presets, rangeOf } from "../filters";

interface Props {
  filters: Filters;
  zone: string;
  onChange: (change: Partial<Filters>) => void;
}

// The picker is heavy and comes after the page.
const RangePicker = lazy(() => import("./range-picker"));

export function TimeRange({ filters, zone, onChange }: Props) {
  const { t } = useTranslation("monitor");
  const now = Date.now();
  const choose = (preset: Preset) => onChange({ preset, from: undefined, to: undefined });
  return (
    <Flex gap="small" wrap align="center">
      <div style={{ maxWidth: "100%", overflowX: "auto" }}>
        <Segmented
          aria-label={t("time-range")}
          value={filters.preset ?? ""}
          onChange={(value) => value && choose(value as Preset)}
          options={(Object.keys(presets) as Preset[]).map((value) => ({ value, label: t(`preset.${value}`) }))}
        />
      </div>
      <Suspense fallback={<Skeleton.Input active style={{ width: 320 }} />}>
        <RangePicker
          label={t("time-range-own")}
          from={t("from")}
          to={t("to")}
          range={rangeOf(filters, now)}
          now={now}
          zone={zone}
          onChange={({ start, end }) => onChange({ preset: undefined, from: iso(start), to: iso(end) })}
        />
      </Suspense>
    </Flex>
  );
}
