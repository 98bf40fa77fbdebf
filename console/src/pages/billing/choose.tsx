// Choosing the billing method, with what the choice means and when it takes effect, before it is made.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Flex, Form, Radio, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { type Detail, got } from "@/api/problem";
import { bytes } from "@/parts/format";
import { ProblemAlert, tellFields } from "@/parts/problem";
import { useUnsavedGuard } from "@/parts/unsaved";
import { useLogin } from "@/shell/session";
import { tariffOf } from "./prices";

type Values = Pick<Schemas["BillingChoice"], "method" | "period">;

interface Props {
  billing: Schemas["Billing"];
  book: Schemas["PriceBook"] | undefined;
}

export function Choose({ billing, book }: Props) {
  const { t } = useTranslation("billing");
  const { modal, message } = App.useApp();
  const mayWrite = useLogin().may_write;
  const queries = useQueryClient();
  const [form] = Form.useForm<Values>();
  const [touched, setTouched] = useState(false);
  const [left, setLeft] = useState<Detail[]>();
  const account_id = billing.account_id;
  const packs = useQuery({
    queryKey: ["pack-forecast", account_id],
    queryFn: ({ signal }) => got(api.GET("/v1/pack-forecast", { params: { query: { account_id } }, signal })),
  });

  const choose = useMutation({
    mutationFn: (values: Values) => got(api.POST("/v1/billing/method", { body: { account_id, ...values } })),
    onSuccess: (now) => {
      setTouched(false);
      queries.setQueryData(["billing", account_id], now);
      void queries.invalidateQueries({ queryKey: ["account-gates", account_id] });
      void queries.invalidateQueries({ queryKey: ["pack-forecast", account_id] });
      message.success(t(now.pending ? "choose.pending" : "choose.done"));
    },
    onError: (error) => setLeft(tellFields(form, error)),
  });
  useUnsavedGuard(touched);

  const method = Form.useWatch("method", form);
  const period = Form.useWatch("period", form);
  const { current, pending } = billing;
  const offered = (m: Values["method"], p: Values["period"]) => !book || tariffOf(book, m, p) !== null;
  const same = current !== null && current.method === method && current.period === period;
  const when = current === null ? "at-once" : current.period === "day" ? "next-midnight" : "next-month";
  const freezes = method === "bandwidth" && (packs.data?.remaining ?? 0) > 0;

  const ask = (values: Values) =>
    modal.confirm({
      title: t("choose.ask", { choice: t(`choices.${values.method}-${values.period}`) }),
      content: (
        <>
          <p>{t(`choose.when.${when}`, { zone: billing.time_zone })}</p>
          {freezes && <p>{t("choose.freezes", { bytes: bytes(packs.data?.remaining ?? 0) })}</p>}
        </>
      ),
      okText: t("choose.choose"),
      cancelText: t("common:cancel"),
      onOk: () => choose.mutate(values),
    });

  return (
    <Form<Values>
      form={form}
      layout="vertical"
      requiredMark={false}
      disabled={!mayWrite || pending !== null}
      initialValues={{ method: current?.method ?? "traffic", period: current?.period ?? "day" }}
      onValuesChange={() => setTouched(true)}
      onFinish={ask}
    >
      <ProblemAlert error={choose.error} details={left} />
      {pending && <Typography.Paragraph>{t("choose.one-at-a-time")}</Typography.Paragraph>}
      <Form.Item name="method" label={t("method.method")}>
        <Radio.Group>
          <Flex vertical gap="small">
            {(["traffic", "bandwidth"] as const).map((value) => (
              <Radio key={value} value={value}>
                <strong>{t(`methods.${value}.name`)}</strong>
                <span style={{ display: "block" }}>{t(`methods.${value}.about`)}</span>
              </Radio>
            ))}
          </Flex>
        </Radio.Group>
      </Form.Item>
      <Form.Item name="period" label={t("method.period")}>
        <Radio.Group>
          <Flex vertical gap="small">
            {(["day", "month"] as const).map((value) => (
              <Radio
                key={value}
                value={value}
                disabled={!mayWrite || !!pending || !offered(method ?? "traffic", value)}
              >
                <strong>{t(`periods.${value}.name`)}</strong>
                <span style={{ display: "block" }}>{t(`periods.${value}.about-${method ?? "traffic"}`)}</span>
                {!offered(method ?? "traffic", value) && (
                  <span style={{ display: "block" }}>{t("prices.not-offered")}</span>
                )}
              </Radio>
            ))}
          </Flex>
        </Radio.Group>
      </Form.Item>
      <Typography.Paragraph role="status">
        {same ? t("choose.same") : t(`choose.when.${when}`, { zone: billing.time_zone })}
      </Typography.Paragraph>
      <Button
        type="primary"
        htmlType="submit"
        loading={choose.isPending}
        disabled={!mayWrite || same || !!pending || !offered(method ?? "traffic", period ?? "day")}
      >
        {t("choose.choose")}
      </Button>
    </Form>
  );
}
