// The figures that matter most, of all that is looked at together: peak, 95th percentile, traffic, sessions. Why there are
// none the tab beneath says, which asks the same.

import { Card, Flex, Skeleton, Typography } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { bitsPerSecond, bytes, count } from "@/parts/format";
import { useZone } from "./account-zone";
import { mostLiveDomains, useOpenNow, useStatistics } from "./data";
import type { Filters } from "./filters";
import { moment } from "./zone";

interface FactProps {
  name: string;
  value: string | undefined; // none yet
  about?: ReactNode;
}

export function Fact({ name, value, about }: FactProps) {
  return (
    <Card style={{ flex: "1 1 170px", minWidth: 0 }} styles={{ body: { padding: "12px 16px" } }}>
      <Typography.Text type="secondary">{name}</Typography.Text>
      {value === undefined ? (
        <Skeleton active title={false} paragraph={{ rows: 1 }} style={{ marginTop: 8 }} />
      ) : (
        <div style={{ fontSize: 22, fontVariantNumeric: "tabular-nums" }}>{value}</div>
      )}
      {about && <Typography.Text type="secondary">{about}</Typography.Text>}
    </Card>
  );
}

export function Summary({ filters }: { filters: Filters }) {
  const { t } = useTranslation("monitor");
  const zone = useZone();
  const bandwidth = useStatistics("bandwidth", filters, { group: "none" });
  const traffic = useStatistics("traffic", filters, { group: "none" });
  const now = useOpenNow(filters);
  const out = bandwidth.data?.answer.series[0]?.out;
  const total = traffic.data?.answer.series[0]?.total;
  const wire = filters.basis === "wire";
  const sent = total && (wire ? total.wire_bytes_out : total.bytes_out);
  const received = total && (wire ? total.wire_bytes_in : total.bytes_in);
  const taken = bandwidth.data?.answer.interval;
  const silent = now.data?.silent_edges ?? 0;
  // Live figures know no places.
  const openAbout =
    silent > 0 ? t("live.silent", { count: silent }) : filters.region || filters.isp ? t("open-everywhere") : undefined;
  const known = (ready: boolean, text: () => string) => (ready ? text() : undefined);
  return (
    <section aria-label={t("summary")}>
      <Flex gap="small" wrap style={{ marginBottom: 16 }}>
        <Fact
          name={t("peak")}
          value={
            bandwidth.isError ? t("common:absent") : known(bandwidth.isSuccess, () => bitsPerSecond(out?.peak ?? 0))
          }
          about={out && out.peak > 0 && t("peak-at", { time: moment(Date.parse(out.peak_time), zone) })}
        />
        <Fact
          name={t("percentile-95")}
          value={
            bandwidth.isError
              ? t("common:absent")
              : known(bandwidth.isSuccess, () => bitsPerSecond(out?.percentile_95 ?? 0))
          }
          about={taken && t("of-points", { interval: t(`intervals.${taken}`) })}
        />
        <Fact
          name={t("total-out")}
          value={traffic.isError ? t("common:absent") : known(traffic.isSuccess, () => bytes(sent ?? 0))}
          about={received !== undefined && t("total-in", { bytes: bytes(received) })}
        />
        <Fact
          name={t("opened")}
          value={
            traffic.isError ? t("common:absent") : known(traffic.isSuccess, () => count(total?.sessions_opened ?? 0))
          }
        />
        <Fact
          name={t("open-now")}
          value={
            filters.domains.length > mostLiveDomains || now.isError
              ? t("common:absent")
              : known(now.isSuccess, () => count(now.data?.total.sessions_open ?? 0))
          }
          about={openAbout}
        />
      </Flex>
    </section>
  );
}
