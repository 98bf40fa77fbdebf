// The origins of a domain as fields of a form: any number of them, each with its ports, weight and priority.

import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Card, Checkbox, Flex, Form, Input, InputNumber, Select } from "antd";
import { useTranslation } from "react-i18next";
import { OffNumber } from "./off-number";

export const newOrigin = { host: "", http_port: 80, https_port: 443, weight: 10, priority: "primary", insecure: false };

// `path`: where the list is in the form.
export function OriginList({ path, disabled }: { path: string[]; disabled?: boolean }) {
  const { t } = useTranslation("configure");
  const narrow = { flex: "1 1 120px", marginBottom: 12 };
  return (
    <Form.List
      name={path}
      rules={[
        {
          validator: (_, value) =>
            value?.length > 0 ? Promise.resolve() : Promise.reject(new Error(t("origins.at-least-one"))),
        },
      ]}
    >
      {(fields, { add, remove }, { errors }) => (
        <>
          {fields.map(({ key, name }, place) => (
            <Card
              key={key}
              size="small"
              role="group"
              aria-label={t("origins.number", { number: place + 1 })}
              title={t("origins.number", { number: place + 1 })}
              style={{ marginBottom: 12 }}
              extra={
                <Button
                  type="text"
                  icon={<DeleteOutlined aria-hidden />}
                  aria-label={t("origins.remove", { number: place + 1 })}
                  disabled={disabled || fields.length === 1}
                  onClick={() => remove(name)}
                />
              }
            >
              <Flex gap="middle" wrap>
                <Form.Item
                  name={[name, "host"]}
                  label={t("origins.host")}
                  rules={[{ required: true, whitespace: true, message: t("origins.host-missing") }]}
                  style={{ flex: "3 1 260px", marginBottom: 12 }}
                >
                  <Input autoComplete="off" spellCheck={false} placeholder="origin.example.com" />
                </Form.Item>
                <Form.Item name={[name, "http_port"]} label={t("origins.http-port")} style={narrow}>
                  <OffNumber max={65535} placeholder={t("off")} />
                </Form.Item>
                <Form.Item name={[name, "https_port"]} label={t("origins.https-port")} style={narrow}>
                  <OffNumber max={65535} placeholder={t("off")} />
                </Form.Item>
                <Form.Item name={[name, "weight"]} label={t("origins.weight")} style={narrow}>
                  <InputNumber min={1} max={100} precision={0} style={{ width: "100%" }} />
                </Form.Item>
                <Form.Item name={[name, "priority"]} label={t("origins.priority")} style={narrow}>
                  <Select
                    options={(["primary", "backup"] as const).map((value) => ({
                      value,
                      label: t(`origins.priorities.${value}`),
                    }))}
                  />
                </Form.Item>
              </Flex>
              <Form.Item name={[name, "insecure"]} valuePropName="checked" style={{ marginBottom: 0 }}>
                <Checkbox>{t("origins.insecure")}</Checkbox>
              </Form.Item>
            </Card>
          ))}
          <Button icon={<PlusOutlined aria-hidden />} disabled={disabled} onClick={() => add({ ...newOrigin })}>
            {t("origins.add")}
          </Button>
          <Form.ErrorList errors={errors} />
        </>
      )}
    </Form.List>
  );
}
