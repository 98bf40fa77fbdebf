// A figure: a chart, the same as a table, and both to take away. A hand that reads with its ears takes the table.

import { DownloadOutlined, LineChartOutlined, PictureOutlined, TableOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { Button, Card, Flex, Skeleton, Typography } from "antd";
import { lazy, type ReactNode, Suspense, useId, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ProblemAlert } from "@/parts/problem";
import { useZone } from "../account-zone";
import type { Slot } from "../plot";
import { between } from "../zone";
import type { ChartHandle } from "./canvas";
import { type HistoryChart, historyOption } from "./history";
import { useLook } from "./look";
import { PlotTable } from "./plot-table";
import { fileName, saveBlob, saveUrl } from "./save";

const Canvas = lazy(() => import("./canvas"));
const height = 360;

interface Props {
  shape: string; // a chart of another shape is drawn anew
  title: string;
  about?: ReactNode;
  kind: string; // the word of it in a file's name
  range: { start_time: string; end_time: string };
  chart: HistoryChart;
  csv: () => Promise<Blob>;
  controls?: ReactNode;
  stale?: boolean; // still of what was asked for before
}

export function Figure({ shape, title, about, kind, range, chart, csv, controls, stale }: Props) {
  const { t, i18n } = useTranslation("monitor");
  const zone = useZone();
  const look = useLook();
  const [asTable, setAsTable] = useState(false);
  const handle = useRef<ChartHandle>(null);
  const heading = useId();
  const saved = useMutation({
    mutationFn: csv,
    onSuccess: (blob) => saveBlob(blob, fileName(kind, range.start_time, range.end_time, "csv")),
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: the words and figures are those of the language
  const option = useMemo(() => {
    const slotWords = (slot: Slot) => {
      const time = between(slot.time, slot.end, zone);
      return slot.state === "whole" ? time : t(`slot.${slot.state}`, { time });
    };
    const first = chart.plot.slots[0]?.time ?? 0;
    const last = chart.plot.slots.at(-1)?.end ?? 0;
    const about = t("chart-about", { title, range: between(first, last, zone), count: chart.plot.curves.length });
    return historyOption(chart, look, zone, { about, gap: t("no-data"), slot: slotWords });
  }, [chart, look, zone, title, t, i18n.language]);

  return (
    <Card
      role="region"
      aria-labelledby={heading}
      style={{ marginBottom: 16, opacity: stale ? 0.6 : 1 }}
      aria-busy={stale}
      styles={{ body: { padding: 16 } }}
    >
      <Flex justify="space-between" gap="small" wrap style={{ marginBottom: 12 }}>
        <div style={{ minWidth: 0 }}>
          <Typography.Title level={2} id={heading} style={{ fontSize: 16, margin: 0 }}>
            {title}
          </Typography.Title>
          {about && <Typography.Text type="secondary">{about}</Typography.Text>}
        </div>
        <Flex gap="small" wrap align="center">
          {controls}
          <Button
            icon={asTable ? <LineChartOutlined aria-hidden /> : <TableOutlined aria-hidden />}
            onClick={() => setAsTable(!asTable)}
          >
            {asTable ? t("as-chart") : t("as-table")}
          </Button>
          <Button
            icon={<DownloadOutlined aria-hidden />}
            loading={saved.isPending}
            onClick={() => saved.mutate()}
            title={t("csv-about")}
          >
            CSV
          </Button>
          <Button
            icon={<PictureOutlined aria-hidden />}
            disabled={asTable}
            onClick={() => {
              const url = handle.current?.png(look.background);
              if (url) saveUrl(url, fileName(kind, range.start_time, range.end_time, "png"));
            }}
          >
            PNG
          </Button>
        </Flex>
      </Flex>
      <ProblemAlert error={saved.error} />
      {asTable ? (
        <PlotTable plot={chart.plot} format={chart.format} zone={zone} label={title} />
      ) : (
        <Suspense fallback={<Skeleton active paragraph={{ rows: 8 }} style={{ height }} />}>
          <Canvas key={shape} option={option} height={height} ref={handle} />
        </Suspense>
      )}
    </Card>
  );
}
