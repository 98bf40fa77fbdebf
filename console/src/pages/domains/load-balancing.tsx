// How new sessions are shared out among origins, as fields of the form of the origins.

import { Form, Input, Select } from "antd";
import { useTranslation } from "react-i18next";
import { Amount } from "./amount";

const policies = ["round-robin", "least-sessions", "consistent-hash"] as const;
const keys = ["client-address", "header", "cookie", "path", "query"] as const;

export function LoadBalancingFields() {
  const { t } = useTranslation("configure");
  const form = Form.useFormInstance();
  const policy = Form.useWatch(["load_balancing", "policy"], form);
  const key = Form.useWatch(["load_balancing", "hash_key"], form);
  const persistence = Form.useWatch(["load_balancing", "persistence"], form);
  const wide = { maxWidth: 320 };
  return (
    <>
      <Form.Item name={["load_balancing", "policy"]} label={t("balancing.policy")} extra={t("balancing.policy-about")}>
        <Select style={wide} options={policies.map((value) => ({ value, label: t(`balancing.policies.${value}`) }))} />
      </Form.Item>
      {policy === "consistent-hash" && (
        <Form.Item name={["load_balancing", "hash_key"]} label={t("balancing.key")}>
          <Select style={wide} options={keys.map((value) => ({ value, label: t(`balancing.keys.${value}`) }))} />
        </Form.Item>
      )}
      {policy === "consistent-hash" && (key === "header" || key === "cookie" || key === "query") && (
        <Form.Item
          name={["load_balancing", "hash_name"]}
          label={t(`balancing.name-of.${key}`)}
          rules={[{ required: true, whitespace: true, message: t("balancing.name-missing") }]}
        >
          <Input maxLength={256} spellCheck={false} style={wide} />
        </Form.Item>
      )}
      <Form.Item
        name={["load_balancing", "persistence"]}
        label={t("balancing.persistence")}
        extra={t("balancing.persistence-about")}
      >
        <Select
          style={wide}
          options={(["none", "cookie"] as const).map((value) => ({
            value,
            label: t(`balancing.persistences.${value}`),
          }))}
        />
      </Form.Item>
      {persistence === "cookie" && (
        <>
          <Form.Item name={["load_balancing", "cookie_name"]} label={t("balancing.cookie-name")}>
            <Input maxLength={128} spellCheck={false} style={wide} />
          </Form.Item>
          <Form.Item
            name={["load_balancing", "cookie_max_age"]}
            label={t("balancing.cookie-age")}
            extra={t("balancing.cookie-age-about")}
          >
            <Amount off />
          </Form.Item>
        </>
      )}
    </>
  );
}
