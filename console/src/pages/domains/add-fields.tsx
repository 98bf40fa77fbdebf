// The fields of a new domain, by step.

import { useQuery } from "@tanstack/react-query";
import { Checkbox, Form, Input, Radio, Select, Switch } from "antd";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { useLogin, useStaff } from "@/shell/session";

const wide = { maxWidth: 480 };

// Operators add domains for others, too.
function AccountField() {
  const { t } = useTranslation("domains");
  const login = useLogin();
  const [typed, setTyped] = useState("");
  const search = useDeferredValue(typed.trim());
  const accounts = useQuery({
    queryKey: ["accounts", "choose", search],
    queryFn: ({ signal }) =>
      got(api.GET("/v1/accounts", { params: { query: { search: search || undefined, limit: 50 } }, signal })),
  });
  return (
    <Form.Item name="account_id" label={t("account")} extra={t("adding.account-about")}>
      <Select
        allowClear
        showSearch={{ filterOption: false, onSearch: setTyped }}
        loading={accounts.isPending}
        placeholder={login.account.name}
        options={accounts.data?.items.map((account) => ({ value: account.id, label: account.name }))}
        style={wide}
      />
    </Form.Item>
  );
}

export function DomainFields() {
  const { t } = useTranslation(["domains", "configure"]);
  const staff = useStaff();
  const region = Form.useWatch("service_region");
  return (
    <>
      <Form.Item
        name="name"
        label={t("name")}
        extra={t("adding.name-about")}
        rules={[{ required: true, whitespace: true, max: 255, message: t("adding.name-missing") }]}
      >
        <Input autoComplete="off" autoCapitalize="off" spellCheck={false} placeholder="live.example.com" style={wide} />
      </Form.Item>
      {staff && <AccountField />}
      <Form.Item
        name={["settings", "acceleration"]}
        label={t("acceleration")}
        extra={t("configure:basics.acceleration-about")}
      >
        <Radio.Group
          aria-label={t("acceleration")}
          options={(["whole-site", "static"] as const).map((value) => ({ value, label: t(`accelerations.${value}`) }))}
        />
      </Form.Item>
      <Form.Item name="service_region" label={t("configure:basics.region")} extra={t("configure:basics.region-about")}>
        <Select
          options={(["mainland", "overseas", "global"] as const).map((value) => ({
            value,
            label: t(`configure:regions.${value}`),
          }))}
          style={wide}
        />
      </Form.Item>
      {region !== "overseas" && (
        <Form.Item name="icp_number" label={t("configure:basics.icp")} extra={t("configure:basics.icp-about")}>
          <Input maxLength={64} style={wide} />
        </Form.Item>
      )}
      <Form.Item name="migrated" valuePropName="checked" extra={t("adding.migrated-about")}>
        <Checkbox>{t("adding.migrated")}</Checkbox>
      </Form.Item>
    </>
  );
}

export function WebSocketFields() {
  const { t } = useTranslation(["domains", "configure"]);
  const on = Form.useWatch(["settings", "websocket", "enabled"]) ?? true;
  return (
    <>
      <Form.Item
        name={["settings", "websocket", "enabled"]}
        label="WebSocket"
        extra={t("adding.websocket-about")}
        valuePropName="checked"
      >
        <Switch />
      </Form.Item>
      {on && (
        <Form.Item
          name={["settings", "websocket", "origin_scheme"]}
          label={t("configure:dialog.origin_scheme")}
          extra={t("configure:dialog.origin_scheme-about")}
          rules={[{ required: true, message: t("configure:dialog.origin_scheme-missing") }]}
        >
          <Radio.Group
            aria-label={t("configure:dialog.origin_scheme")}
            options={(["follow", "http", "https"] as const).map((value) => ({
              value,
              label: t(`configure:scheme.${value}`),
            }))}
          />
        </Form.Item>
      )}
    </>
  );
}
