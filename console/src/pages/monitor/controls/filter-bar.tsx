// What is looked at: domain names, places, time and interval. All of it is in the address.

import { Card, Flex, Select, Switch, Typography } from "antd";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { useStaff } from "@/shell/session";
import { useZone } from "../account-zone";
import { mostLiveDomains } from "../data";
import { type Filters, intervalsFor, spanOf } from "../filters";
import { AccountSelect } from "./account-select";
import { DomainSelect } from "./domain-select";
import { Labelled } from "./labelled";
import { PlaceSelect } from "./place-select";
import { TimeRange } from "./time-range";

interface Props {
  filters: Filters;
  account?: Schemas["Account"]; // that filters.account is about
  onChange: (change: Partial<Filters>) => void;
}

export function FilterBar({ filters, account, onChange }: Props) {
  const { t } = useTranslation("monitor");
  const zone = useZone();
  const staff = useStaff();
  const id = useId();
  const live = filters.tab === "live";
  const places = filters.tab === "places";
  const allowed = intervalsFor(spanOf(filters));
  const asked = filters.interval;
  // What the address asks for is shown even where it is not allowed: the answer's note says what came of it.
  const intervals = asked && !allowed.includes(asked) ? [...allowed, asked] : allowed;
  const intervalName = (s: number) =>
    s === 300 || s === 3600 || s === 86400 ? t(`intervals.${s}`) : t("intervals.other", { count: s });
  return (
    <Card style={{ marginBottom: 16 }} styles={{ body: { padding: 16 } }}>
      <Flex gap="middle" wrap role="search" aria-label={t("filters")}>
        {staff && (
          <Labelled id={`${id}-account`} label={t("account")}>
            <AccountSelect
              id={`${id}-account`}
              value={account}
              onChange={(chosen) => onChange({ account: chosen, domains: [] })}
            />
          </Labelled>
        )}
        <Labelled id={`${id}-domains`} label={t("domains")} grow>
          <DomainSelect
            id={`${id}-domains`}
            account={filters.account}
            value={filters.domains}
            most={live ? mostLiveDomains : 1000}
            onChange={(domains) => onChange({ domains })}
          />
        </Labelled>
        {!live && (
          <>
            <Labelled id={`${id}-region`} label={t("region")}>
              <PlaceSelect
                id={`${id}-region`}
                of="region"
                filters={filters}
                onChange={(region) => onChange({ region })}
              />
            </Labelled>
            <Labelled id={`${id}-isp`} label={t("isp")}>
              <PlaceSelect id={`${id}-isp`} of="isp" filters={filters} onChange={(isp) => onChange({ isp })} />
            </Labelled>
            {!places && (
              <Labelled id={`${id}-interval`} label={t("interval")}>
                <Select
                  id={`${id}-interval`}
                  style={{ width: 190 }}
                  value={asked ?? 0}
                  onChange={(s) => onChange({ interval: s || undefined })}
                  options={[
                    { value: 0, label: t("intervals.automatic", { interval: intervalName(allowed[0] ?? 300) }) },
                    ...intervals.map((s) => ({ value: s, label: intervalName(s) })),
                  ]}
                />
              </Labelled>
            )}
            {!places && (
              <Labelled id={`${id}-compare`} label={t("compare")}>
                <Flex align="center" style={{ minHeight: 32 }}>
                  <Switch
                    id={`${id}-compare`}
                    checked={filters.compare}
                    onChange={(compare) => onChange({ compare })}
                  />
                </Flex>
              </Labelled>
            )}
          </>
        )}
      </Flex>
      {!live && (
        <div style={{ marginTop: 12 }}>
          <TimeRange filters={filters} zone={zone} onChange={onChange} />
        </div>
      )}
      <Typography.Text type="secondary" style={{ display: "block", marginTop: 8 }}>
        {live ? t("zone-live", { zone }) : t("zone", { zone })}
      </Typography.Text>
    </Card>
  );
}
