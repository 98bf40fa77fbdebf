// A chart on a canvas. ECharts comes with this file alone, so a page that shows none does not load it.

import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, DataZoomComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { type ECharts, type EChartsCoreOption, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";

use([
  BarChart,
  LineChart,
  AriaComponent,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  TooltipComponent,
  CanvasRenderer,
]);

export interface ChartHandle {
  // A picture of what is shown, as a data URL.
  png(background: string): string;
}

interface Props {
  option: EChartsCoreOption;
  height: number;
  ref?: Ref<ChartHandle>;
}

export default function Canvas({ option, height, ref }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts>(null);

  useEffect(() => {
    if (!box.current) return;
    const made = init(box.current, undefined, { renderer: "canvas" });
    chart.current = made;
    const watcher = new ResizeObserver(() => made.resize());
    watcher.observe(box.current);
    return () => {
      watcher.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);

  // Series that are no longer there go; how far it is zoomed stays.
  useEffect(() => {
    chart.current?.setOption(option, { replaceMerge: ["series"] });
  }, [option]);

  useImperativeHandle(
    ref,
    () => ({
      png: (background) => chart.current?.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: background }) ?? "",
    }),
    [],
  );

  return <div ref={box} style={{ width: "100%", height }} />;
}
