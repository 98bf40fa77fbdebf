// Asks before a change that touches live sessions: how many there are, and what becomes of them.

import { App, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { liveSessions, type Settings } from "./domain";
import { inWords } from "./units";

interface Question {
  name: string;
  title: string;
  about?: string;
  ok: string;
  websocket: Settings["websocket"]; // what its sessions are subject to
}

export function useDanger() {
  const { t } = useTranslation(["configure", "common"]);
  const { modal } = App.useApp();
  return async ({ name, title, about, ok, websocket }: Question): Promise<boolean> => {
    const live = await liveSessions(name);
    const how = websocket?.on_disable ?? "close";
    return await modal.confirm({
      title,
      content: (
        <>
          {about && <Typography.Paragraph>{about}</Typography.Paragraph>}
          <Typography.Paragraph strong>
            {live === null ? t("danger.live-unknown") : t("danger.live", { count: live })}
          </Typography.Paragraph>
          {live !== 0 && (
            <Typography.Paragraph>
              {t(`danger.${how}`, { time: inWords(t, websocket?.drain_time ?? "30s") })}
            </Typography.Paragraph>
          )}
        </>
      ),
      okText: ok,
      cancelText: t("common:cancel"),
      okButtonProps: { danger: true },
      autoFocusButton: "cancel",
    });
  };
}
