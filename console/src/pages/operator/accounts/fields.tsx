// The fields of an account, for opening one and for changing it.

import { Form, Input, Select, Switch } from "antd";
import { useTranslation } from "react-i18next";
import { timeZones } from "../parts/time-zones";

export interface AccountValues {
  name: string;
  identity_verified: boolean;
  time_zone: string;
  websocket_default: "by-acceleration" | "on" | "off";
}

export function AccountFields() {
  const { t } = useTranslation("operator");
  return (
    <>
      <Form.Item
        name="name"
        label={t("accounts.name")}
        rules={[{ required: true, whitespace: true, max: 100, message: t("accounts.name-rule") }]}
      >
        <Input autoComplete="off" />
      </Form.Item>
      <Form.Item
        name="identity_verified"
        label={t("accounts.verified")}
        extra={t("accounts.verified-about")}
        valuePropName="checked"
      >
        <Switch />
      </Form.Item>
      <Form.Item name="time_zone" label={t("accounts.time-zone")} extra={t("accounts.time-zone-about")}>
        <Select showSearch options={timeZones} />
      </Form.Item>
      <Form.Item
        name="websocket_default"
        label={t("accounts.websocket-default")}
        extra={t("accounts.websocket-default-about")}
      >
        <Select
          options={(["by-acceleration", "on", "off"] as const).map((value) => ({
            value,
            label: t(`accounts.defaults.${value}`),
          }))}
        />
      </Form.Item>
    </>
  );
}
