// Which origins are well: active checks of a path, and what clients themselves meet. Fields of the form of the origins.

import { Checkbox, Flex, Form, Input, InputNumber, Select, Switch } from "antd";
import { useTranslation } from "react-i18next";
import { Amount } from "./amount";

const at = (...path: string[]) => ["health_check", ...path];

export function HealthCheckFields() {
  const { t } = useTranslation("configure");
  const form = Form.useFormInstance();
  const path = Form.useWatch(at("path"), form);
  const passive = Form.useWatch(at("passive", "enabled"), form) ?? true;
  const field = { flex: "1 1 220px", marginBottom: 12 };
  const count = (name: string[]) => (
    <Form.Item name={at(...name)} label={t(`health.${name.join("-")}`)} style={field}>
      <InputNumber min={1} max={100} precision={0} style={{ width: "100%" }} />
    </Form.Item>
  );
  const time = (name: string[]) => (
    <Form.Item name={at(...name)} label={t(`health.${name.join("-")}`)} style={field}>
      <Amount />
    </Form.Item>
  );
  return (
    <>
      <Form.Item
        name={at("path")}
        label={t("health.path")}
        extra={t("health.path-about")}
        rules={[{ pattern: /^\//, message: t("health.path-begins") }]}
      >
        <Input placeholder="/healthz" spellCheck={false} maxLength={2048} style={{ maxWidth: 420 }} />
      </Form.Item>
      {path && (
        <Flex gap="middle" wrap>
          <Form.Item name={at("scheme")} label={t("health.scheme")} style={field}>
            <Select
              options={[
                { value: "http", label: "HTTP" },
                { value: "https", label: "HTTPS" },
              ]}
            />
          </Form.Item>
          <Form.Item name={at("host")} label={t("health.host")} style={field}>
            <Input spellCheck={false} />
          </Form.Item>
          <Form.Item
            name={at("status")}
            label={t("health.status")}
            rules={[{ pattern: /^\d{3}(-\d{3})?$/, message: t("health.status-form") }]}
            style={field}
          >
            <Input placeholder="200-399" />
          </Form.Item>
          {time(["interval"])}
          {time(["timeout"])}
          {count(["healthy_after"])}
          {count(["unhealthy_after"])}
        </Flex>
      )}
      <Form.Item
        name={at("passive", "enabled")}
        label={t("health.passive")}
        extra={t("health.passive-about")}
        valuePropName="checked"
      >
        <Switch />
      </Form.Item>
      {passive && (
        <>
          <Flex gap="middle" wrap>
            {count(["passive", "failures"])}
            {time(["passive", "window"])}
            {time(["passive", "eject"])}
          </Flex>
          <Flex gap="middle" wrap>
            {(["count_5xx", "count_refused", "count_timeout"] as const).map((name) => (
              <Form.Item key={name} name={at("passive", name)} valuePropName="checked" style={{ marginBottom: 0 }}>
                <Checkbox>{t(`health.${name}`)}</Checkbox>
              </Form.Item>
            ))}
          </Flex>
        </>
      )}
    </>
  );
}
