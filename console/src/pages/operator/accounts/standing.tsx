// Suspends, closes and reactivates an account, after saying what that does to whom.

import { useMutation } from "@tanstack/react-query";
import { Button, Flex, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { gotWithTag } from "@/api/problem";
import { Dialog } from "@/parts/dialog";
import { Refused } from "../parts/refused";
import { Touched } from "../parts/touched";
import type { Tagged } from "./modify";

type State = Schemas["Account"]["state"];

interface Props {
  account: Tagged;
  mayWrite: boolean;
  onChanged: (account: Tagged) => void;
  onAnew: () => void;
}

const ways: Record<State, State[]> = {
  active: ["suspended", "closed"],
  suspended: ["active", "closed"],
  closed: ["active"],
};

export function Standing({ account, mayWrite, onChanged, onAnew }: Props) {
  const { t } = useTranslation("operator");
  const [to, setTo] = useState<State>();
  const change = useMutation({
    mutationFn: (state: State) =>
      gotWithTag(
        api.PATCH("/v1/accounts/{account_id}", {
          params: { path: { account_id: account.data.id }, header: { "if-match": account.etag } },
          body: { state },
        }),
      ),
    onSuccess: (answer) => {
      setTo(undefined);
      onChanged(answer);
    },
  });
  const { state, kind, name } = account.data;
  if (kind === "operator") return <Typography.Text type="secondary">{t("accounts.operators-stand")}</Typography.Text>;
  return (
    <Flex vertical gap="small">
      <Typography.Text>{t(`accounts.state-about.${state}`)}</Typography.Text>
      <Flex gap="small" wrap>
        {ways[state].map((way) => (
          <Button
            key={way}
            danger={way !== "active"}
            disabled={!mayWrite}
            onClick={() => {
              change.reset();
              setTo(way);
            }}
          >
            {t(`accounts.to.${way}`)}
          </Button>
        ))}
      </Flex>
      {to && (
        <Dialog
          title={t(`accounts.to-title.${to}`, { name })}
          okText={t(`accounts.to.${to}`)}
          okButtonProps={{ danger: to !== "active" }}
          confirmLoading={change.isPending}
          onOk={() => change.mutate(to)}
          onCancel={() => setTo(undefined)}
        >
          <Refused error={change.error} onAnew={onAnew} />
          {to === "active" ? (
            <Typography.Paragraph>{t("accounts.to-about.active")}</Typography.Paragraph>
          ) : (
            <Touched account={account.data.id} about={t(`accounts.to-about.${to}`)} />
          )}
        </Dialog>
      )}
    </Flex>
  );
}
