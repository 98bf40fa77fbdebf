// Live: what passes at this moment, a point a second over the last five minutes.

import { PauseOutlined, PlayCircleOutlined } from "@ant-design/icons";
import { Alert, Button, Flex, Tag } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { bitsPerSecond, count } from "@/parts/format";
import { ProblemAlert } from "@/parts/problem";
import { useZone } from "../account-zone";
import { mostLiveDomains } from "../data";
import { Fact } from "../summary";
import type { LiveChart } from "./chart";
import { LiveFigure } from "./live-figure";
import { LiveTable } from "./live-table";
import { type LiveState, useLive } from "./use-live";

const colors: Record<LiveState, "processing" | "success" | "warning" | "default" | "error"> = {
  connecting: "processing",
  live: "success",
  reconnecting: "warning",
  paused: "default",
  hidden: "default",
  ended: "error",
};

interface Props {
  domains: string[];
  account?: string;
}

export default function Live({ domains, account }: Props) {
  const { t } = useTranslation("monitor");
  return domains.length > mostLiveDomains ? (
    <Alert type="info" showIcon title={t("live.too-many", { count: mostLiveDomains })} />
  ) : (
    <Stream domains={domains} account={account} />
  );
}

function Stream({ domains, account }: Props) {
  const { t } = useTranslation("monitor");
  const zone = useZone();
  const [paused, setPaused] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const { state, event, points, problem } = useLive(domains, account, paused, attempt);
  const last = points.at(-1);
  const rates = last?.rates;

  const charts = useMemo((): Record<"bandwidth" | "messages" | "sessions", LiveChart> => {
    return {
      bandwidth: {
        first: 0,
        format: bitsPerSecond,
        whole: false,
        curves: [
          { id: "out", name: t("out"), of: (point) => point.rates?.bitsOut },
          { id: "in", name: t("in"), of: (point) => point.rates?.bitsIn },
        ],
      },
      messages: {
        first: 2,
        format: count,
        whole: true,
        curves: [
          { id: "out", name: t("out"), of: (point) => point.rates?.messagesOut },
          { id: "in", name: t("in"), of: (point) => point.rates?.messagesIn },
        ],
      },
      sessions: {
        first: 4,
        format: count,
        whole: true,
        curves: [{ id: "open", name: t("open-now"), of: (point) => point.open }],
      },
    };
  }, [t]);

  const known = (n: number | undefined, text: (n: number) => string) =>
    n === undefined ? (event ? t("common:absent") : undefined) : text(n);
  const silent = event?.silent_edges ?? 0;
  return (
    <>
      <Flex align="center" gap="middle" wrap style={{ marginBottom: 16 }}>
        <Tag color={colors[state]} role="status">
          {t(`live.state.${state}`)}
        </Tag>
        {state === "ended" ? (
          <Button icon={<PlayCircleOutlined aria-hidden />} onClick={() => setAttempt((n) => n + 1)}>
            {t("live.again")}
          </Button>
        ) : (
          <Button
            icon={paused ? <PlayCircleOutlined aria-hidden /> : <PauseOutlined aria-hidden />}
            onClick={() => setPaused(!paused)}
            aria-pressed={paused}
          >
            {paused ? t("live.resume") : t("live.pause")}
          </Button>
        )}
      </Flex>
      <ProblemAlert error={problem} />
      {event && event.edges === 0 && silent === 0 && (
        <Alert type="warning" showIcon title={t("live.no-edges")} style={{ marginBottom: 16 }} />
      )}
      {silent > 0 && (
        <Alert
          type="warning"
          showIcon
          role="status"
          title={t("live.silent", { count: silent })}
          description={t("live.silent-about")}
          style={{ marginBottom: 16 }}
        />
      )}
      <Flex gap="small" wrap style={{ marginBottom: 16 }}>
        <Fact name={t("open-now")} value={known(last?.open, count)} />
        <Fact name={t("live.bits-out")} value={known(rates?.bitsOut, bitsPerSecond)} />
        <Fact name={t("live.bits-in")} value={known(rates?.bitsIn, bitsPerSecond)} />
        <Fact name={t("live.messages-out")} value={known(rates?.messagesOut, count)} />
        <Fact name={t("live.messages-in")} value={known(rates?.messagesIn, count)} />
        <Fact name={t("live.opened")} value={known(rates?.opened, count)} />
        <Fact name={t("live.closed")} value={known(rates?.closed, count)} />
      </Flex>
      <Flex gap="middle" wrap style={{ marginBottom: 16 }}>
        {(["bandwidth", "messages", "sessions"] as const).map((kind) => (
          <LiveFigure
            key={kind}
            title={t(`live.charts.${kind}`)}
            kind={kind}
            chart={charts[kind]}
            points={points}
            zone={zone}
          />
        ))}
      </Flex>
      <LiveTable points={points} domains={event?.domains} milliseconds={event?.milliseconds ?? 0} zone={zone} />
    </>
  );
}
