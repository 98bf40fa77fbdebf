// Approves with a note, or rejects with a reason; both are told to the customer as they are written.

import { useMutation } from "@tanstack/react-query";
import { Button, Card, Flex, Form, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { type Detail, gotWithTag } from "@/api/problem";
import { tellFields } from "@/parts/problem";
import { Refused } from "@/parts/refused";
import { useUnsavedGuard } from "@/parts/unsaved";

interface Props {
  application: Schemas["Application"];
  etag: string;
  mayWrite: boolean;
  onDecided: (answer: { data: Schemas["Application"]; etag: string }) => void;
  onAnew: () => void;
}

export function Decision({ application, etag, mayWrite, onDecided, onAnew }: Props) {
  const { t } = useTranslation("operator");
  const [form] = Form.useForm<{ reason?: string }>();
  const [left, setLeft] = useState<Detail[]>();
  const reason = Form.useWatch("reason", form) ?? "";
  const decide = useMutation({
    mutationFn: (approve: boolean) => {
      const params = { path: { application_id: application.id }, header: { "if-match": etag } };
      const words = reason.trim();
      return approve
        ? gotWithTag(
            api.POST("/v1/applications/{application_id}/approve", { params, body: words ? { reason: words } : {} }),
          )
        : gotWithTag(api.POST("/v1/applications/{application_id}/reject", { params, body: { reason: words } }));
    },
    onSuccess: onDecided,
    onError: (error) => setLeft(tellFields(form, error)),
  });
  useUnsavedGuard(reason.trim() !== "" && !decide.isSuccess);

  const reject = () => {
    if (reason.trim() === "") {
      form.setFields([{ name: "reason", errors: [t("desk.reason-missing")] }]);
      form.scrollToField("reason", { block: "center", focus: true });
      return;
    }
    decide.mutate(false);
  };
  return (
    <Card title={t("desk.decision")}>
      <Refused error={decide.error} details={left} onReload={onAnew} />
      <Form form={form} layout="vertical" disabled={!mayWrite} onFinish={() => decide.mutate(true)}>
        <Form.Item name="reason" label={t("desk.words")} extra={t("desk.words-about")}>
          <Input.TextArea rows={3} maxLength={2000} showCount />
        </Form.Item>
        <Flex gap="small" wrap>
          <Button type="primary" htmlType="submit" loading={decide.isPending && decide.variables}>
            {t("desk.approve")}
          </Button>
          <Button danger onClick={reject} loading={decide.isPending && !decide.variables}>
            {t("desk.reject")}
          </Button>
        </Flex>
      </Form>
    </Card>
  );
}
