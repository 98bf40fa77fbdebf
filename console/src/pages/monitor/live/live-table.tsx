// Live figures as tables: domain by domain where some were named, and second by second for those who ask.

import { TableOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { bitsPerSecond, count } from "@/parts/format";
import { WideTable } from "@/parts/wide-table";
import { Heading } from "../tabs/parts";
import { clockSeconds } from "../zone";
import type { LivePoint } from "./use-live";

type LiveDomain = Schemas["LiveDomain"];

interface Props {
  points: LivePoint[];
  domains?: LiveDomain[];
  milliseconds: number; // in which the domains' figures were counted
  zone: string;
}

export function LiveTable({ points, domains, milliseconds, zone }: Props) {
  const { t } = useTranslation("monitor");
  const [shown, setShown] = useState(false);
  const number = <T,>(title: string, of: (row: T) => number | undefined, text: (n: number) => string) => ({
    title,
    key: title,
    width: 150,
    align: "end" as const,
    render: (_: unknown, row: T) => {
      const n = of(row);
      return n === undefined ? t("no-data") : text(n);
    },
  });
  const each = (n: number) => (milliseconds > 0 ? (n * 1000) / milliseconds : undefined);
  return (
    <>
      {domains && domains.length > 0 && (
        <>
          <Heading>{t("live.by-domain")}</Heading>
          <WideTable<LiveDomain>
            aria-label={t("live.by-domain")}
            size="small"
            rowKey="domain"
            dataSource={domains}
            pagination={false}
            style={{ marginBottom: 16 }}
            width={970}
            columns={[
              { title: t("domain"), dataIndex: "domain", width: 220, fixed: "start", ellipsis: true },
              number(t("open-now"), (row) => row.sessions_open, count),
              number(t("live.bits-out"), (row) => each(row.bytes_out * 8), bitsPerSecond),
              number(t("live.bits-in"), (row) => each(row.bytes_in * 8), bitsPerSecond),
              number(t("live.messages-out"), (row) => each(row.messages_out), count),
              number(t("live.messages-in"), (row) => each(row.messages_in), count),
            ]}
          />
        </>
      )}
      <Button icon={<TableOutlined aria-hidden />} aria-expanded={shown} onClick={() => setShown(!shown)}>
        {shown ? t("live.hide-table") : t("live.as-table")}
      </Button>
      {shown && (
        <WideTable<LivePoint>
          aria-label={t("live.seconds")}
          size="small"
          rowKey="at"
          dataSource={[...points].reverse()}
          pagination={{ defaultPageSize: 30, showSizeChanger: false, size: "small" }}
          style={{ marginTop: 16 }}
          width={900}
          columns={[
            { title: t("live.time"), dataIndex: "at", width: 130, render: (at: number) => clockSeconds(at, zone) },
            number(t("open-now"), (point) => point.open, count),
            number(t("live.bits-out"), (point) => point.rates?.bitsOut, bitsPerSecond),
            number(t("live.bits-in"), (point) => point.rates?.bitsIn, bitsPerSecond),
            number(t("live.messages-out"), (point) => point.rates?.messagesOut, count),
            number(t("live.messages-in"), (point) => point.rates?.messagesIn, count),
          ]}
        />
      )}
    </>
  );
}
