// Offers a resource pack.

import { useMutation } from "@tanstack/react-query";
import { Flex, Form, Input, InputNumber, Select } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { type Detail, got } from "@/api/problem";
import { Dialog } from "@/parts/dialog";
import { ProblemAlert, tellFields } from "@/parts/problem";
import { isAmount, toMicro } from "./micro";

interface Values {
  name: string;
  bytes: number; // of the unit beside it
  unit: number;
  validity_days: number;
  currency: string;
  price: string;
}

const sizes = [
  { value: 1e9, label: "GB" },
  { value: 1e12, label: "TB" },
  { value: 1e15, label: "PB" },
];

export function ProductOffer({ onClose, onOffered }: { onClose: () => void; onOffered: () => void }) {
  const { t } = useTranslation("operator");
  const id = useId(); // so that the button submits the form, and Enter does
  const [form] = Form.useForm<Values>();
  const [left, setLeft] = useState<Detail[]>();
  const offer = useMutation({
    mutationFn: ({ name, bytes, unit, validity_days, currency, price }: Values) =>
      got(
        api.POST("/v1/pack-products", {
          body: {
            name,
            bytes: bytes * unit,
            validity_days,
            currency: currency.toUpperCase(),
            price: toMicro(price),
          },
        }),
      ),
    onSuccess: onOffered,
    onError: (error) => setLeft(tellFields(form, error)),
  });
  return (
    <Dialog
      title={t("packs.offer")}
      okText={t("packs.offer")}
      confirmLoading={offer.isPending}
      okButtonProps={{ htmlType: "submit", form: id }}
      onCancel={onClose}
    >
      <ProblemAlert error={offer.error} details={left} />
      <Form
        id={id}
        form={form}
        layout="vertical"
        initialValues={{ unit: 1e12, validity_days: 90, currency: "USD" }}
        onFinish={(values) => offer.mutate(values)}
      >
        <Form.Item
          name="name"
          label={t("packs.name")}
          extra={t("packs.name-about")}
          rules={[{ required: true, whitespace: true, max: 100, message: t("packs.name-rule") }]}
        >
          <Input autoComplete="off" />
        </Form.Item>
        <Flex gap="small" wrap>
          <Form.Item
            name="bytes"
            label={t("packs.bytes")}
            rules={[{ required: true, message: t("packs.bytes-missing") }]}
            style={{ flex: "1 1 160px" }}
          >
            <InputNumber min={1} max={1000} precision={0} style={{ width: "100%" }} />
          </Form.Item>
          <Form.Item name="unit" label={t("packs.unit")} style={{ flex: "1 1 100px" }}>
            <Select options={sizes} />
          </Form.Item>
        </Flex>
        <Form.Item
          name="validity_days"
          label={t("packs.validity-days")}
          extra={t("packs.validity-about")}
          rules={[{ required: true, message: t("packs.validity-missing") }]}
        >
          <InputNumber min={1} max={3660} precision={0} style={{ width: "100%" }} />
        </Form.Item>
        <Flex gap="small" wrap>
          <Form.Item
            name="price"
            label={t("packs.price")}
            style={{ flex: "1 1 160px" }}
            rules={[
              { required: true, message: t("prices.price-rule") },
              {
                validator: (_, value?: string) =>
                  !value || isAmount(value) ? Promise.resolve() : Promise.reject(new Error(t("prices.price-rule"))),
              },
            ]}
          >
            <Input inputMode="decimal" autoComplete="off" />
          </Form.Item>
          <Form.Item
            name="currency"
            label={t("prices.currency")}
            style={{ flex: "1 1 100px" }}
            rules={[{ required: true, pattern: /^[A-Za-z]{3}$/, message: t("prices.currency-rule") }]}
          >
            <Input maxLength={3} autoComplete="off" />
          </Form.Item>
        </Flex>
      </Form>
    </Dialog>
  );
}
