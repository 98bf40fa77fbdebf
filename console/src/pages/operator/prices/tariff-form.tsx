// One tariff of a price book as a form: whether it is offered, how its tiers count, and the tiers; the last has no end.

import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Card, Flex, Form, Input, InputNumber, Radio, Switch, Typography } from "antd";
import { useTranslation } from "react-i18next";
import type { BookValues, Method, Period } from "./book-values";
import { isAmount } from "./micro";

interface Props {
  method: Method;
  period: Period;
  unit: string;
  currency: string;
}

export function TariffForm({ method, period, unit, currency }: Props) {
  const { t } = useTranslation("operator");
  const form = Form.useFormInstance<BookValues>();
  const offered = Form.useWatch([method, period, "offered"], form) as boolean | undefined;
  const name = t(`prices.tariffs.${method}-${period}`);
  return (
    <Card size="small" title={name} style={{ flex: "1 1 400px", minWidth: 0 }}>
      <Typography.Paragraph type="secondary">{t(`prices.tariff-about.${method}-${period}`)}</Typography.Paragraph>
      <Form.Item name={[method, period, "offered"]} label={t("prices.offered")} valuePropName="checked">
        <Switch />
      </Form.Item>
      {offered && (
        <>
          <Form.Item name={[method, period, "mode"]} label={t("prices.mode")}>
            <Radio.Group
              options={(["graduated", "volume"] as const).map((value) => ({
                value,
                label: t(`prices.modes.${value}`),
              }))}
            />
          </Form.Item>
          <Form.List name={[method, period, "tiers"]}>
            {(fields, { add, remove }) => (
              <>
                {fields.map((field, i) => (
                  <Flex key={field.key} gap="small" wrap align="flex-start">
                    <UpTo
                      at={[method, period, "tiers"]}
                      index={i}
                      field={field.name}
                      last={i === fields.length - 1}
                      unit={unit}
                    />
                    <Form.Item
                      name={[field.name, "price"]}
                      label={t("prices.price-currency", { unit, currency })}
                      style={{ flex: "1 1 140px" }}
                      rules={[
                        { required: true, message: t("prices.price-rule") },
                        {
                          validator: (_, value?: string) =>
                            !value || isAmount(value)
                              ? Promise.resolve()
                              : Promise.reject(new Error(t("prices.price-rule"))),
                        },
                      ]}
                    >
                      <Input inputMode="decimal" autoComplete="off" />
                    </Form.Item>
                    <Button
                      type="text"
                      icon={<DeleteOutlined aria-hidden />}
                      aria-label={t("prices.remove-tier", { number: i + 1, tariff: name })}
                      disabled={fields.length === 1}
                      onClick={() => remove(field.name)}
                      style={{ marginTop: 30 }}
                    />
                  </Flex>
                ))}
                <Button
                  icon={<PlusOutlined aria-hidden />}
                  disabled={fields.length >= 32}
                  onClick={() => add({ price: "" })}
                >
                  {t("prices.add-tier")}
                </Button>
              </>
            )}
          </Form.List>
        </>
      )}
    </Card>
  );
}

interface UpToProps {
  at: (string | number)[];
  index: number;
  field: number;
  last: boolean;
  unit: string;
}

function UpTo({ at, index, field, last, unit }: UpToProps) {
  const { t } = useTranslation("operator");
  if (last)
    return (
      <Form.Item label={t("prices.up-to-unit", { unit })} style={{ flex: "1 1 140px" }}>
        <Input disabled value={t("prices.no-end")} />
      </Form.Item>
    );
  return (
    <Form.Item
      name={[field, "up_to"]}
      label={t("prices.up-to-unit", { unit })}
      style={{ flex: "1 1 140px" }}
      dependencies={index > 0 ? [[...at, index - 1, "up_to"]] : []}
      rules={[
        { required: true, message: t("prices.up-to-missing") },
        ({ getFieldValue }) => ({
          validator: (_, value?: number) => {
            const before = index > 0 ? (getFieldValue([...at, index - 1, "up_to"]) as number | undefined) : undefined;
            return value === undefined || value === null || before === undefined || value > before
              ? Promise.resolve()
              : Promise.reject(new Error(t("prices.up-to-order")));
          },
        }),
      ]}
    >
      <InputNumber min={1} max={1_000_000_000_000} precision={0} style={{ width: "100%" }} />
    </Form.Item>
  );
}
