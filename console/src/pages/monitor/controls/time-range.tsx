// From when to when: a span up to now, or two times by the account's clock.

import { Flex, Segmented } from "antd";
import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { OwnRange } from "@/parts/own-range";
import { type Filters, iso, type Preset, presets, rangeOf } from "../filters";

interface Props {
  filters: Filters;
  zone: string;
  onChange: (change: Partial<Filters>) => void;
}

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
      <OwnRange label={t("time-range-own")} chosen={!filters.preset}>
        {(opened) => (
          <RangePicker
            label={t("time-range-own")}
            from={t("from")}
            to={t("to")}
            range={rangeOf(filters, now)}
            now={now}
            zone={zone}
            opened={opened}
            onChange={({ start, end }) => onChange({ preset: undefined, from: iso(start), to: iso(end) })}
          />
        )}
      </OwnRange>
    </Flex>
  );
}
