// Origins: where the domain's sessions go, how they are shared out, whose health is watched, and how they are reached.

import { Card, Form, Input, Select, Switch } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLogin } from "@/shell/session";
import { Amount } from "./amount";
import { changes, nothing } from "./changes";
import { type Domain, type Settings, settingsOf, useDomain } from "./domain";
import { HealthCheckFields } from "./health-check";
import { LoadBalancingFields } from "./load-balancing";
import { newOrigin, OriginList } from "./origin-list";
import { SettingsForm } from "./settings-form";
import { Warnings } from "./warnings";

type Values = Pick<
  Settings,
  | "origins"
  | "load_balancing"
  | "health_check"
  | "origin_tls"
  | "origin_host_header"
  | "origin_proxy_protocol"
  | "origin_request_timeout"
>;

function read(domain: Domain): Values {
  const s = settingsOf(domain);
  return {
    origins: s.origins?.map((origin) => ({ ...newOrigin, ...origin }) as typeof origin),
    load_balancing: { policy: "round-robin", hash_key: "client-address", persistence: "none", ...s.load_balancing },
    health_check: s.health_check ?? {},
    origin_tls: { verify: true, ...s.origin_tls },
    origin_host_header: s.origin_host_header,
    origin_proxy_protocol: s.origin_proxy_protocol ?? "off",
    origin_request_timeout: s.origin_request_timeout ?? "30s",
  };
}

// What a choice makes idle goes back to its default with it: else the API warns of settings without effect.
function withoutIdle(before: Values, after: Values): Values {
  const out = { ...after };
  const [was, is] = [before.load_balancing, after.load_balancing];
  if (is && is.policy !== was?.policy && is.policy !== "consistent-hash")
    out.load_balancing = { ...out.load_balancing, hash_key: undefined, hash_name: undefined };
  else if (is && is.hash_key !== was?.hash_key && (is.hash_key === "client-address" || is.hash_key === "path"))
    out.load_balancing = { ...out.load_balancing, hash_name: undefined };
  if (is && is.persistence !== was?.persistence && is.persistence === "none")
    out.load_balancing = { ...out.load_balancing, cookie_name: undefined, cookie_max_age: undefined };
  if (before.health_check?.path && !after.health_check?.path)
    out.health_check = {
      ...after.health_check,
      scheme: undefined,
      host: undefined,
      status: undefined,
      interval: undefined,
      timeout: undefined,
      healthy_after: undefined,
      unhealthy_after: undefined,
    };
  return out;
}

function patch(before: Values, after: Values) {
  const settings = changes(before, { ...withoutIdle(before, after) });
  return nothing(settings) ? {} : { settings };
}

const about = ["/settings/origin", "/settings/load_balancing", "/settings/health_check"];

export default function Origins() {
  const { t } = useTranslation("configure");
  const { data } = useDomain();
  const mayWrite = useLogin().may_write;
  const part = (title: string, children: ReactNode) => (
    <Card title={<h2 style={{ margin: 0, fontSize: 16 }}>{title}</h2>} style={{ marginBottom: 16 }}>
      {children}
    </Card>
  );
  return (
    <>
      <Warnings warnings={data.warnings.filter((w) => about.some((begin) => w.pointer.startsWith(begin)))} />
      <SettingsForm<Values> name="origins" read={read} patch={patch} under={["settings"]}>
        {part(t("origins.title"), <OriginList path={["origins"]} disabled={!mayWrite} />)}
        {part(t("balancing.title"), <LoadBalancingFields />)}
        {part(t("health.title"), <HealthCheckFields />)}
        {part(
          t("reach.title"),
          <>
            <Form.Item
              name={["origin_tls", "verify"]}
              label={t("reach.verify")}
              extra={t("reach.verify-about")}
              valuePropName="checked"
            >
              <Switch />
            </Form.Item>
            <Form.Item
              name={["origin_tls", "server_name"]}
              label={t("reach.server-name")}
              extra={t("reach.server-name-about")}
            >
              <Input spellCheck={false} style={{ maxWidth: 420 }} />
            </Form.Item>
            <Form.Item name={["origin_tls", "ca_file"]} label={t("reach.ca")} extra={t("reach.ca-about")}>
              <Input.TextArea rows={4} spellCheck={false} />
            </Form.Item>
            <Form.Item name="origin_host_header" label={t("reach.host-header")} extra={t("reach.host-header-about")}>
              <Input spellCheck={false} style={{ maxWidth: 420 }} />
            </Form.Item>
            <Form.Item name="origin_proxy_protocol" label={t("reach.proxy")} extra={t("reach.proxy-about")}>
              <Select
                style={{ maxWidth: 280 }}
                options={(["off", "v1", "v2"] as const).map((value) => ({ value, label: t(`reach.proxies.${value}`) }))}
              />
            </Form.Item>
            <Form.Item name="origin_request_timeout" label={t("reach.timeout")} extra={t("reach.timeout-about")}>
              <Amount />
            </Form.Item>
          </>,
        )}
      </SettingsForm>
    </>
  );
}
