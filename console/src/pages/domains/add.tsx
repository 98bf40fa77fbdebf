// Add a domain, step by step. Once it is there, its own page says what is still missing before it goes live.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Card, Flex, Form, Steps } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api } from "@/api/client";
import { type Detail, gotWithTag, Problem } from "@/api/problem";
import { Page } from "@/parts/page";
import { ProblemAlert, tellFields } from "@/parts/problem";
import { useUnsavedGuard } from "@/parts/unsaved";
import { useLogin } from "@/shell/session";
import { DomainFields, WebSocketFields } from "./add-fields";
import { Review } from "./add-review";
import { begin, bodyOf, defaultSwitch, type NewDomain, stepNames, stepOf } from "./add-values";
import { domainKey } from "./domain";
import { OriginList } from "./origin-list";

const fieldsOf = [
  ["name", "account_id", "service_region", "icp_number", "migrated", ["settings", "acceleration"]],
  [["settings", "origins"]],
  [["settings", "websocket"]],
];

export default function AddDomain() {
  const { t } = useTranslation(["domains", "configure", "common"]);
  const { message } = App.useApp();
  const { may_write: mayWrite, account } = useLogin();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [form] = Form.useForm<NewDomain>();
  const [step, setStep] = useState(0);
  const [values, setValues] = useState<NewDomain>();
  const [unsaved, setUnsaved] = useState(false);
  const [left, setLeft] = useState<Detail[]>();
  const head = useRef<HTMLHeadingElement>(null);
  useUnsavedGuard(unsaved);
  const last = stepNames.length - 1;

  const show = (to: number) => {
    setStep(to);
    // Who does not see the page hears which step it is now.
    requestAnimationFrame(() => head.current?.focus());
  };
  const add = useMutation({
    mutationFn: (domain: NewDomain) => gotWithTag(api.POST("/v1/domains", { body: bodyOf(domain) })),
    onSuccess: (read) => {
      setUnsaved(false);
      queries.setQueryData(domainKey(read.data.name), read);
      void queries.invalidateQueries({ queryKey: ["domains"] });
      message.success(t("adding.done", { name: read.data.name }));
    },
    onError: (error) => {
      const first = error instanceof Problem ? error.errors[0] : undefined;
      setLeft(undefined);
      if (!first) return;
      setStep(stepOf(first.pointer));
      // The fields of that step are shown before they are told.
      requestAnimationFrame(() => setLeft(tellFields(form, error)));
    },
  });
  // After the guard has been told that there is nothing left to lose.
  const added = add.data?.data.name;
  useEffect(() => {
    if (added && !unsaved) navigate(`/domains/${encodeURIComponent(added)}/going-live`, { replace: true });
  }, [added, unsaved, navigate]);

  const next = async () => {
    if (step === last) return values && add.mutate(values);
    try {
      await form.validateFields(fieldsOf[step] ?? [], { recursive: true });
    } catch (failed) {
      const fields = (failed as { errorFields?: { name: (string | number)[]; errors: string[] }[] }).errorFields ?? [];
      const wrong = fields.find(({ errors }) => errors.length > 0);
      if (wrong) form.scrollToField(wrong.name, { block: "center", focus: true });
      return;
    }
    add.reset();
    setValues(form.getFieldsValue(true) as NewDomain);
    show(step + 1);
  };
  const shown = (of: number) => ({ display: step === of ? "block" : "none" });
  return (
    <Page title={t("add")} about={t("adding.about")}>
      <Steps
        current={step}
        responsive
        size="small"
        items={stepNames.map((key) => ({ title: t(`adding.steps.${key}`) }))}
        style={{ marginBottom: 20, maxWidth: 900 }}
      />
      <ProblemAlert error={add.error} details={left} />
      <Card style={{ maxWidth: 960 }}>
        <h2 ref={head} tabIndex={-1} style={{ fontSize: 18, margin: "0 0 16px", outline: "none" }}>
          {t("adding.step", {
            number: step + 1,
            of: stepNames.length,
            name: t(`adding.steps.${stepNames[step] ?? "domain"}`),
          })}
        </h2>
        <Form
          name="add"
          form={form}
          layout="vertical"
          initialValues={begin(account)}
          disabled={!mayWrite}
          onValuesChange={(changed) => {
            setUnsaved(true);
            // The switch follows its default until it is set by hand.
            const acceleration = changed.settings?.acceleration;
            if (acceleration && !form.isFieldTouched(["settings", "websocket", "enabled"]))
              form.setFieldValue(["settings", "websocket", "enabled"], defaultSwitch(account, acceleration));
          }}
          onKeyDown={(event) => {
            // Enter in a field goes to the next step, whose fields were not looked at yet.
            if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
            if (event.target.type !== "text" || event.target.role === "combobox") return;
            event.preventDefault();
            void next();
          }}
        >
          <div style={shown(0)}>
            <DomainFields />
          </div>
          <div style={shown(1)}>
            <OriginList path={["settings", "origins"]} disabled={!mayWrite} />
          </div>
          <div style={shown(2)}>
            <WebSocketFields />
          </div>
          {step === last && values && <Review values={values} />}
        </Form>
        <Flex gap="small" wrap style={{ marginTop: 20 }}>
          {step > 0 && <Button onClick={() => show(step - 1)}>{t("adding.back")}</Button>}
          <Button type="primary" disabled={!mayWrite} loading={add.isPending} onClick={() => void next()}>
            {step === last ? t("add") : t("adding.next")}
          </Button>
        </Flex>
      </Card>
    </Page>
  );
}
