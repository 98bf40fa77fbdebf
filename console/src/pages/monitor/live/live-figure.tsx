// One live chart with its name and its picture to take away.

import { PictureOutlined } from "@ant-design/icons";
import { Button, Card, Flex, Skeleton, Typography } from "antd";
import { lazy, Suspense, useId, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { ChartHandle } from "../chart/canvas";
import { useLook } from "../chart/look";
import { fileName, saveUrl } from "../chart/save";
import { iso } from "../filters";
import { type LiveChart, liveOption } from "./chart";
import { type LivePoint, liveWindow } from "./use-live";

const Canvas = lazy(() => import("../chart/canvas"));
const height = 240;

interface Props {
  title: string;
  kind: string;
  chart: LiveChart;
  points: LivePoint[];
  zone: string;
}

export function LiveFigure({ title, kind, chart, points, zone }: Props) {
  const { t } = useTranslation("monitor");
  const look = useLook();
  const heading = useId();
  const handle = useRef<ChartHandle>(null);
  const option = useMemo(
    () => liveOption(chart, points, look, zone, t("live.chart-about", { title })),
    [chart, points, look, zone, title, t],
  );
  const save = () => {
    const last = points.at(-1)?.at ?? 0;
    const url = handle.current?.png(look.background);
    if (url) saveUrl(url, fileName(`live-${kind}`, iso(last - liveWindow), iso(last), "png"));
  };
  return (
    <Card
      role="region"
      aria-labelledby={heading}
      style={{ flex: "1 1 420px", minWidth: 0 }}
      styles={{ body: { padding: 16 } }}
    >
      <Flex justify="space-between" align="center" gap="small" style={{ marginBottom: 8 }}>
        <Typography.Title level={2} id={heading} style={{ fontSize: 16, margin: 0 }}>
          {title}
        </Typography.Title>
        <Button
          size="small"
          icon={<PictureOutlined aria-hidden />}
          onClick={save}
          aria-label={t("live.png", { title })}
        >
          PNG
        </Button>
      </Flex>
      <Suspense fallback={<Skeleton active style={{ height }} />}>
        <Canvas option={option} height={height} ref={handle} />
      </Suspense>
    </Card>
  );
}
