// A new price book, from nothing or from another one.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Card, Flex, Form, Input, Radio, Select, Skeleton, Typography } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { api, type Schemas } from "@/api/client";
import { type Detail, got } from "@/api/problem";
import { Page } from "@/parts/page";
import { ProblemAlert, tellFields } from "@/parts/problem";
import { useUnsavedGuard } from "@/parts/unsaved";
import { useLogin } from "@/shell/session";
import { AccountSelect } from "../parts/account-select";
import { type BookValues, bodyOf, copyOf, fresh } from "./book-values";
import { unitName, units } from "./micro";
import { TariffForm } from "./tariff-form";

export default function PriceBookAdd() {
  const { t } = useTranslation("operator");
  const from = useSearchParams()[0].get("from");
  const query = useQuery({
    queryKey: ["price-book", from],
    enabled: from !== null,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) =>
      got(api.GET("/v1/price-books/{price_book_id}", { params: { path: { price_book_id: from ?? "" } }, signal })),
  });
  return (
    <Page title={t("prices.add")} about={t("prices.add-about")} actions={<Link to="/prices">{t("prices.title")}</Link>}>
      {from && query.isPending ? (
        <Skeleton active />
      ) : query.isError ? (
        <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <BookForm from={query.data} />
      )}
    </Page>
  );
}

function BookForm({ from }: { from: Schemas["PriceBook"] | undefined }) {
  const { t } = useTranslation("operator");
  const { message } = App.useApp();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const mayWrite = useLogin().may_write;
  const [form] = Form.useForm<BookValues>();
  const [left, setLeft] = useState<Detail[]>();
  const [dirty, setDirty] = useState(false);
  const [done, setDone] = useState(false);
  const currency = Form.useWatch("currency", form) ?? "";
  const unitBytes = Form.useWatch("unit_bytes", form) ?? 1_000_000_000;
  const create = useMutation({
    mutationFn: (values: BookValues) => got(api.POST("/v1/price-books", { body: bodyOf(values) })),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["price-books"] });
      message.success(t("prices.added"));
      setDone(true);
    },
    onError: (error) => setLeft(tellFields(form, error)),
  });
  useUnsavedGuard(dirty && !done);
  // Only once the guard has heard that it is saved.
  useEffect(() => {
    if (done) navigate("/prices");
  }, [done, navigate]);

  const unitOptions = units.map(({ value, name }) => ({ value, label: name }));
  if (from && !unitOptions.some((unit) => unit.value === from.unit_bytes))
    unitOptions.push({ value: from.unit_bytes, label: unitName(from.unit_bytes) });
  const initial = from
    ? copyOf(from)
    : {
        currency: "USD",
        basis: "frames",
        unit_bytes: 1_000_000_000,
        traffic: { day: fresh, month: fresh },
        bandwidth: { day: fresh, month: fresh },
      };
  return (
    <Form
      form={form}
      layout="vertical"
      disabled={!mayWrite}
      initialValues={initial}
      onValuesChange={() => setDirty(true)}
      onFinish={(values) => create.mutate(values)}
      scrollToFirstError={{ focus: true }}
      style={{ maxWidth: 1100 }}
    >
      <ProblemAlert error={create.error} details={left} />
      <Card style={{ marginBottom: 16 }}>
        <Flex gap="middle" wrap>
          <Form.Item
            name="effective"
            label={t("prices.effective")}
            extra={t("prices.effective-about")}
            rules={[{ required: true, message: t("prices.effective-missing") }]}
            style={{ flex: "1 1 240px" }}
          >
            <Input type="date" />
          </Form.Item>
          <Form.Item
            name="account_id"
            label={t("prices.for")}
            extra={t("prices.for-about")}
            style={{ flex: "1 1 240px" }}
          >
            <AccountSelect placeholder={t("prices.everybody")} />
          </Form.Item>
          <Form.Item
            name="currency"
            label={t("prices.currency")}
            extra={t("prices.currency-about")}
            rules={[{ required: true, pattern: /^[A-Za-z]{3}$/, message: t("prices.currency-rule") }]}
            style={{ flex: "1 1 240px" }}
          >
            <Input maxLength={3} autoComplete="off" />
          </Form.Item>
          <Form.Item
            name="unit_bytes"
            label={t("prices.unit")}
            extra={t("prices.unit-about")}
            style={{ flex: "1 1 240px" }}
          >
            <Select options={unitOptions} />
          </Form.Item>
        </Flex>
        <Form.Item name="basis" label={t("prices.basis")} extra={t("prices.basis-about")}>
          <Radio.Group
            options={(["frames", "wire"] as const).map((value) => ({ value, label: t(`prices.bases.${value}`) }))}
          />
        </Form.Item>
      </Card>
      <Typography.Paragraph type="secondary">{t("prices.tariffs-about")}</Typography.Paragraph>
      <Flex gap="middle" wrap style={{ marginBottom: 16 }}>
        {(["traffic", "bandwidth"] as const).flatMap((method) =>
          (["day", "month"] as const).map((period) => (
            <TariffForm
              key={`${method}-${period}`}
              method={method}
              period={period}
              unit={method === "traffic" ? unitName(unitBytes) : "Mbit/s"}
              currency={currency.toUpperCase()}
            />
          )),
        )}
      </Flex>
      <Button type="primary" htmlType="submit" loading={create.isPending}>
        {t("prices.add")}
      </Button>
    </Form>
  );
}
