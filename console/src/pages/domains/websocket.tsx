// WebSocket: the domain's switch, and what holds for its sessions.

import { EditOutlined, LoadingOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Alert, Button, Card, Descriptions, Flex, Skeleton, Switch, Tag, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "@/api/client";
import { Effect } from "@/parts/effect";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { partKey, useDomain } from "./domain";
import { Gates } from "./gates";
import { OrderBars } from "./order-bars";
import { Refused } from "./refused";
import { inWords, sizes } from "./units";
import { Warnings } from "./warnings";
import { WebSocketDialog } from "./websocket-dialog";
import { readWebSocket, useWebSocketSwitch } from "./websocket-switch";

type Settings = NonNullable<Schemas["WebSocketSettings"]>;

function Shown({ settings, defaulted }: { settings: Settings; defaulted: string[] }) {
  const { t } = useTranslation("configure");
  const row = (key: string, label: string, children: string) => ({
    key,
    label,
    children: (
      <Flex gap="small" wrap>
        <span>{children}</span>
        {defaulted.includes(key) && <Tag>{t("default")}</Tag>}
      </Flex>
    ),
  });
  const beats = settings.heartbeat;
  return (
    <Descriptions
      column={{ xs: 1, lg: 2 }}
      items={[
        row("connection_timeout", t("dialog.connection_timeout"), inWords(t, settings.connection_timeout)),
        row("origin_scheme", t("dialog.origin_scheme"), t(`scheme.${settings.origin_scheme ?? "follow"}`)),
        row("heartbeat.interval", t("dialog.interval"), inWords(t, beats?.interval ?? "off")),
        ...(beats?.interval && beats.interval !== "off"
          ? [
              row("heartbeat.to", t("dialog.to"), t(`heartbeat-to.${beats.to ?? "both"}`)),
              row("heartbeat.pong_timeout", t("dialog.pong_timeout"), inWords(t, beats.pong_timeout)),
            ]
          : []),
        row("on_disable", t("dialog.on_disable"), t(`on-disable.${settings.on_disable ?? "close"}`)),
        ...(settings.on_disable === "drain"
          ? [row("drain_time", t("dialog.drain_time"), inWords(t, settings.drain_time))]
          : []),
        row("max_session_age", t("dialog.max_session_age"), inWords(t, settings.max_session_age ?? "off")),
        row("max_message_size", t("dialog.max_message_size"), inWords(t, settings.max_message_size ?? "off", sizes)),
        row("validate", t("dialog.validate"), settings.validate === false ? t("off") : t("on")),
      ]}
    />
  );
}

export default function WebSocketPage() {
  const { t } = useTranslation(["configure", "common"]);
  const { name } = useDomain();
  const mayWrite = useLogin().may_write;
  const [open, setOpen] = useState(false);
  const [change, setChange] = useState<number>();
  const toggle = useWebSocketSwitch();
  const query = useQuery({
    queryKey: partKey(name, "websocket"),
    queryFn: ({ signal }) => readWebSocket(name, signal),
    refetchInterval: 5000, // the number of live sessions
  });
  if (query.isPending) return <Skeleton active />;
  if (!query.data) return <ProblemAlert error={query.error} onRetry={() => query.refetch()} />;
  const ws = query.data.data;
  const settings = (Object.keys(ws.effective).length > 0 ? ws.effective : (ws.settings ?? {})) as Settings;
  const live = ws.live_sessions;
  return (
    <>
      {!ws.usable && (
        <Alert
          type="warning"
          showIcon
          title={t("websocket.unusable")}
          description={<Gates name={name} gates={ws.gates.filter((gate) => !gate.met)} />}
          style={{ marginBottom: 16 }}
        />
      )}
      <Warnings warnings={ws.warnings} />
      <Refused error={toggle.error} onReload={() => void query.refetch().then(() => toggle.reset())} />
      <Card style={{ marginBottom: 16 }}>
        <Flex align="center" gap="middle" wrap>
          <Switch
            id="websocket-switch"
            checked={ws.enabled}
            disabled={!mayWrite || !ws.usable}
            aria-describedby="websocket-about"
            onChange={(on) =>
              // Never disabled meanwhile, nor during the question: the focus would be lost.
              !toggle.isPending &&
              toggle.mutate(
                { name, on },
                {
                  onSuccess: (read) => {
                    if (!read) return;
                    setChange(read.data.policy_change);
                    // The protocol towards the origin is for the user to choose (R6).
                    if (on && read.data.defaulted.includes("origin_scheme")) setOpen(true);
                  },
                },
              )
            }
          />
          <label htmlFor="websocket-switch">
            <Typography.Text strong>WebSocket</Typography.Text>
          </label>
          <Typography.Text>{ws.enabled ? t("on") : t("off")}</Typography.Text>
          {toggle.isPending && <LoadingOutlined aria-hidden />}
          {ws.defaulted.includes("enabled") && <Tag>{t("default")}</Tag>}
          <Link to={`/domains/${encodeURIComponent(name)}/sessions`}>
            {live === null ? t("danger.live-unknown") : t("danger.live", { count: live })}
          </Link>
          <Effect change={change} />
        </Flex>
        <Typography.Paragraph id="websocket-about" type="secondary" style={{ margin: "16px 0 0", maxWidth: 800 }}>
          {ws.enabled ? t("websocket.on-about") : t("websocket.is-off-about")}
        </Typography.Paragraph>
      </Card>
      <Card
        title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("websocket.settings")}</h2>}
        extra={
          <Button icon={<EditOutlined aria-hidden />} disabled={!mayWrite || !ws.usable} onClick={() => setOpen(true)}>
            {t("common:modify")}
          </Button>
        }
        style={{ marginBottom: 16 }}
      >
        <Shown settings={settings} defaulted={ws.defaulted} />
      </Card>
      <Card title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("order.title")}</h2>}>
        <div style={{ maxWidth: 720 }}>
          <OrderBars
            client={settings.client_interval}
            edge={settings.connection_timeout}
            origin={settings.origin_timeout}
          />
        </div>
      </Card>
      {open && (
        <WebSocketDialog
          name={name}
          read={query.data}
          onClose={() => setOpen(false)}
          onDone={(number) => {
            setOpen(false);
            if (number !== undefined) setChange(number);
          }}
          onReload={() => {
            setOpen(false);
            void query.refetch().then(() => setOpen(true));
          }}
        />
      )}
    </>
  );
}
