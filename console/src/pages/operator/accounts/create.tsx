// Opens an account for a customer.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Form } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { type Detail, got } from "@/api/problem";
import { Dialog } from "@/parts/dialog";
import { ProblemAlert, tellFields } from "@/parts/problem";
import { AccountFields, type AccountValues } from "./fields";

interface Props {
  onClose: () => void;
  onCreated: (account: Schemas["Account"]) => void;
}

export function AccountCreate({ onClose, onCreated }: Props) {
  const { t } = useTranslation("operator");
  const queries = useQueryClient();
  const id = useId(); // so that the button submits the form, and Enter does
  const [form] = Form.useForm<AccountValues>();
  const [left, setLeft] = useState<Detail[]>();
  const create = useMutation({
    mutationFn: (body: AccountValues) => got(api.POST("/v1/accounts", { body })),
    onSuccess: (account) => {
      void queries.invalidateQueries({ queryKey: ["accounts"] });
      onCreated(account);
    },
    onError: (error) => setLeft(tellFields(form, error)),
  });
  return (
    <Dialog
      title={t("accounts.create")}
      okText={t("accounts.create")}
      confirmLoading={create.isPending}
      okButtonProps={{ htmlType: "submit", form: id }}
      onCancel={onClose}
    >
      <ProblemAlert error={create.error} details={left} />
      <Form
        id={id}
        form={form}
        layout="vertical"
        initialValues={{ identity_verified: false, time_zone: "UTC", websocket_default: "by-acceleration" }}
        onFinish={(values) => create.mutate(values)}
      >
        <AccountFields />
      </Form>
    </Dialog>
  );
}
