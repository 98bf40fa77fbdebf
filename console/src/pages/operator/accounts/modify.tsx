// Changes an account's facts. Where that takes WebSocket from its domains it says first whom that touches.

import { useMutation } from "@tanstack/react-query";
import { Form } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { type Detail, gotWithTag } from "@/api/problem";
import { Dialog } from "@/parts/dialog";
import { tellFields } from "@/parts/problem";
import { useUnsavedGuard } from "@/parts/unsaved";
import { Refused } from "../parts/refused";
import { Touched } from "../parts/touched";
import { AccountFields, type AccountValues } from "./fields";

export interface Tagged {
  data: Schemas["Account"];
  etag: string;
}

interface Props {
  account: Tagged;
  onClose: () => void;
  onChanged: (account: Tagged) => void;
  onAnew: () => void;
}

export function AccountModify({ account, onClose, onChanged, onAnew }: Props) {
  const { t } = useTranslation("operator");
  const id = useId(); // so that the button submits the form, and Enter does
  const [form] = Form.useForm<AccountValues>();
  const [left, setLeft] = useState<Detail[]>();
  const [touchedAny, setTouchedAny] = useState(false);
  const { name, identity_verified, time_zone, websocket_default } = account.data;
  const verified = Form.useWatch("identity_verified", form);
  const normal = Form.useWatch("websocket_default", form);
  const change = useMutation({
    mutationFn: (body: AccountValues) =>
      gotWithTag(
        api.PATCH("/v1/accounts/{account_id}", {
          params: { path: { account_id: account.data.id }, header: { "if-match": account.etag } },
          body,
        }),
      ),
    onSuccess: onChanged,
    onError: (error) => setLeft(tellFields(form, error)),
  });
  useUnsavedGuard(touchedAny && !change.isSuccess);
  return (
    <Dialog
      title={t("accounts.modify")}
      okText={t("common:save")}
      confirmLoading={change.isPending}
      okButtonProps={{ htmlType: "submit", form: id }}
      onCancel={onClose}
    >
      <Refused error={change.error} details={left} onAnew={onAnew} />
      {identity_verified && verified === false && (
        <Touched account={account.data.id} about={t("accounts.unverify-about")} />
      )}
      {normal !== undefined && normal !== websocket_default && normal !== "on" && (
        <Touched account={account.data.id} about={t("accounts.default-about")} />
      )}
      <Form
        id={id}
        form={form}
        layout="vertical"
        initialValues={{ name, identity_verified, time_zone, websocket_default }}
        onValuesChange={() => setTouchedAny(true)}
        onFinish={(values) => change.mutate(values)}
      >
        <AccountFields />
      </Form>
    </Dialog>
  );
}
