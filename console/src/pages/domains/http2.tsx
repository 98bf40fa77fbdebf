// HTTP/2: whether it is offered to clients of the domain. WebSocket goes over it too (RFC 8441), so neither excludes the other.

import { Card, Flex, Switch, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Effect } from "@/parts/effect";
import { useLogin } from "@/shell/session";
import { settingsOf, useChange, useDomain } from "./domain";
import { Refused } from "./refused";
import { Warnings } from "./warnings";

export default function Http2() {
  const { t } = useTranslation("configure");
  const { data, etag, reload } = useDomain();
  const mayWrite = useLogin().may_write;
  const change = useChange();
  const on = settingsOf(data).http2 ?? true;
  return (
    <Card>
      <Refused error={change.error} onReload={() => void reload().then(() => change.reset())} />
      <Warnings warnings={data.warnings.filter((w) => w.pointer.startsWith("/settings/http2"))} />
      <Flex align="center" gap="middle" wrap>
        <Switch
          id="http2"
          checked={change.isPending ? !on : on}
          disabled={!mayWrite}
          // Never disabled meanwhile: the focus would be lost.
          onChange={(http2) => !change.isPending && change.mutate({ patch: { settings: { http2 } }, etag })}
          aria-describedby="http2-about"
        />
        <label htmlFor="http2">
          <Typography.Text strong>HTTP/2</Typography.Text>
        </label>
        <Typography.Text>{on ? t("on") : t("off")}</Typography.Text>
        <Effect change={change.data?.data.policy_change} />
      </Flex>
      <Typography.Paragraph id="http2-about" type="secondary" style={{ margin: "16px 0 0", maxWidth: 800 }}>
        {t("http2.about")}
      </Typography.Paragraph>
      <Typography.Paragraph type="secondary" style={{ margin: "8px 0 0", maxWidth: 800 }}>
        {data.certificates.length > 0 ? t("http2.off-about") : t("http2.needs-certificate")}
      </Typography.Paragraph>
    </Card>
  );
}
