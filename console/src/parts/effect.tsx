// What a change has done: on how many edges it is live, and after how long. Shown beneath what was changed until it is live
// everywhere, then as a message.

import { CheckCircleOutlined, LoadingOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Typography } from "antd";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { got } from "@/api/problem";

// `change`: the number that the answer to the change had (`policy_change`).
export function Effect({ change }: { change: number | undefined }) {
  const { t } = useTranslation();
  const progress = useQuery({
    queryKey: ["policy-change", change],
    enabled: change !== undefined,
    queryFn: ({ signal }) =>
      got(api.GET("/v1/policy-changes/{number}", { params: { path: { number: change ?? 0 } }, signal })),
    refetchInterval: ({ state }) => (state.data && state.data.live >= state.data.edges ? false : 250),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (change === undefined || !progress.data) return null;
  const { live, edges, after_ms } = progress.data;
  const done = live >= edges;
  return (
    <Typography.Text type={done ? "success" : "secondary"} role="status">
      {done ? <CheckCircleOutlined aria-hidden /> : <LoadingOutlined aria-hidden />}{" "}
      {done && after_ms !== null
        ? t("effect.live-after", { live, edges, ms: after_ms })
        : t("effect.live", { live, edges })}
    </Typography.Text>
  );
}
