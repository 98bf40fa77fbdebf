// The fields of a layer-7 configuration. A field that is left empty has the default, which stands in it.

import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Checkbox, Col, Flex, Form, Input, InputNumber, Row } from "antd";
import { useTranslation } from "react-i18next";
import { useLogin } from "@/shell/session";
import { bodySize, bodySizeOfEdges, mostHeaders, protocols, rangeFor, type TimeName, timeNames } from "./layer7-values";

const clientTimes = timeNames.filter((name) => !name.startsWith("proxy_"));
const originTimes = timeNames.filter((name) => name.startsWith("proxy_"));

export function Layer7Fields() {
  const { t } = useTranslation("security");
  const operator = useLogin().user.role === "operator";
  const size = operator ? bodySizeOfEdges : bodySize;
  const h2 = (text: string) => <h2 style={{ margin: "8px 0 12px", fontSize: 15 }}>{text}</h2>;
  return (
    <>
      <Form.Item
        name="name"
        label={t("layer7.name")}
        extra={t("layer7.name-about")}
        rules={[{ required: true, whitespace: true, message: t("missing.name") }]}
      >
        <Input maxLength={100} autoComplete="off" style={{ maxWidth: 420 }} />
      </Form.Item>
      {h2(t("layer7.to-clients"))}
      <Row gutter={24}>
        {clientTimes.map((name) => (
          <Time key={name} name={name} operator={operator} />
        ))}
        <Col xs={24} md={12}>
          <Form.Item
            name={["settings", "client_max_body_size"]}
            label={t("settings.client_max_body_size.name")}
            extra={t("settings.client_max_body_size.about", {
              standard: bodySize.standard,
              least: bodySize.least,
              most: bodySize.most,
            })}
            rules={[
              {
                type: "number",
                min: size.least,
                max: size.most,
                message: t("range.mib", { least: bodySize.least, most: size.most }),
              },
            ]}
          >
            <InputNumber placeholder={String(bodySize.standard)} suffix="MiB" style={{ width: 180 }} />
          </Form.Item>
        </Col>
      </Row>
      {h2(t("layer7.to-origins"))}
      <Row gutter={24}>
        {originTimes.map((name) => (
          <Time key={name} name={name} operator={operator} />
        ))}
      </Row>
      {h2(t("layer7.tls"))}
      <Form.Item
        name={["settings", "ssl_protocols"]}
        label={t("settings.ssl_protocols.name")}
        extra={t("settings.ssl_protocols.about")}
      >
        <Checkbox.Group options={protocols.map((value) => ({ value, label: value }))} />
      </Form.Item>
      <Form.Item
        name={["settings", "ssl_ciphers"]}
        label={t("settings.ssl_ciphers.name")}
        extra={t("settings.ssl_ciphers.about")}
      >
        <Input.TextArea
          rows={2}
          maxLength={4096}
          spellCheck={false}
          style={{ fontFamily: "monospace", maxWidth: 720 }}
        />
      </Form.Item>
      {h2(t("layer7.headers"))}
      <Headers />
    </>
  );
}

function Time({ name, operator }: { name: TimeName; operator: boolean }) {
  const { t } = useTranslation("security");
  const { standard, least, most } = rangeFor(name, operator);
  return (
    <Col xs={24} md={12}>
      <Form.Item
        name={["settings", name]}
        label={t(`settings.${name}.name`)}
        extra={t(`settings.${name}.about`, { standard, least, most })}
        rules={[{ type: "number", min: least, max: most, message: t("range.seconds", { least, most }) }]}
      >
        <InputNumber placeholder={String(standard)} suffix={t("seconds")} style={{ width: 180 }} />
      </Form.Item>
    </Col>
  );
}

function Headers() {
  const { t } = useTranslation("security");
  return (
    <>
      <p style={{ marginTop: 0 }}>{t("settings.add_header.about", { most: mostHeaders })}</p>
      <Form.List name={["settings", "add_header"]}>
        {(fields, { add, remove }, { errors }) => (
          <>
            {fields.map(({ key, name }) => (
              <Flex key={key} gap="small" wrap align="flex-start">
                <Form.Item
                  name={[name, "name"]}
                  label={t("settings.add_header.name", { number: name + 1 })}
                  rules={[{ required: true, message: t("missing.header") }]}
                  style={{ flex: "1 1 200px", marginBottom: 12 }}
                >
                  <Input autoComplete="off" placeholder="X-Frame-Options" />
                </Form.Item>
                <Form.Item
                  name={[name, "value"]}
                  label={t("settings.add_header.value", { number: name + 1 })}
                  style={{ flex: "2 1 240px", marginBottom: 12 }}
                >
                  <Input autoComplete="off" placeholder="DENY" />
                </Form.Item>
                <Button
                  type="text"
                  icon={<DeleteOutlined aria-hidden />}
                  aria-label={t("settings.add_header.remove", { number: name + 1 })}
                  onClick={() => remove(name)}
                  style={{ marginTop: 30 }}
                />
              </Flex>
            ))}
            <Form.ErrorList errors={errors} />
            <Button
              icon={<PlusOutlined aria-hidden />}
              disabled={fields.length >= mostHeaders ? true : undefined}
              onClick={() => add({ name: "", value: "" })}
            >
              {t("settings.add_header.add")}
            </Button>
          </>
        )}
      </Form.List>
    </>
  );
}
