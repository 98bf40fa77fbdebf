// One region or one ISP: those that clients came from in the time that is looked at, the largest first.

import { Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useStatistics } from "../data";
import type { Filters } from "../filters";
import { regionName, unknownPlace } from "./places";

interface Props {
  id: string;
  of: "region" | "isp";
  filters: Filters;
  onChange: (place: string | undefined) => void;
}

export function PlaceSelect({ id, of, filters, onChange }: Props) {
  const { t } = useTranslation("monitor");
  const [opened, setOpened] = useState(false);
  // Every one of the kind, whichever is chosen.
  const asked = { ...filters, [of]: undefined };
  const found = useStatistics("regions-and-isps", asked, { places: of }, opened);
  const name = (place: string) => (place === unknownPlace ? t("unknown") : of === "region" ? regionName(place) : place);
  const value = filters[of];
  const places = new Set(found.data?.answer.items.flatMap((item) => item[of] ?? []));
  if (value) places.add(value);
  return (
    <Select
      id={id}
      allowClear
      style={{ width: 190, maxWidth: "100%" }}
      popupMatchSelectWidth={false}
      placeholder={of === "region" ? t("all-regions") : t("all-isps")}
      value={value}
      onChange={(place?: string) => onChange(place)}
      loading={opened && found.isFetching}
      onOpenChange={(open) => open && setOpened(true)}
      showSearch={{ optionFilterProp: "label" }}
      notFoundContent={found.isFetching ? t("searching") : t("no-places")}
      options={[...places].map((place) => ({ value: place, label: name(place) }))}
    />
  );
}
