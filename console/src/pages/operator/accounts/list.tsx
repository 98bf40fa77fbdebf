// Accounts: every one, found by its name, and opening a new one.

import { PlusOutlined } from "@ant-design/icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Flex, Input, Tag } from "antd";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { day } from "@/parts/format";
import { Page } from "@/parts/page";
import { useLogin } from "@/shell/session";
import { PagedTable } from "../parts/paged-table";
import { AccountCreate } from "./create";
import { stateColors } from "./states";

type Account = Schemas["Account"];

export default function AccountList() {
  const { t } = useTranslation("operator");
  const mayWrite = useLogin().may_write;
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const search = useDeferredValue(typed.trim());
  const [creating, setCreating] = useState(false);
  const query = useInfiniteQuery({
    queryKey: ["accounts", "list", search],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET("/v1/accounts", {
          params: { query: { limit: 100, after: pageParam, search: search || undefined } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  return (
    <Page
      title={t("accounts.title")}
      about={t("accounts.about")}
      actions={
        <Button
          type="primary"
          icon={<PlusOutlined aria-hidden />}
          disabled={!mayWrite}
          onClick={() => setCreating(true)}
        >
          {t("accounts.create")}
        </Button>
      }
    >
      <Flex style={{ marginBottom: 12 }}>
        <Input.Search
          allowClear
          aria-label={t("accounts.search")}
          placeholder={t("accounts.search")}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          style={{ maxWidth: 320 }}
        />
      </Flex>
      <PagedTable<Account>
        label={t("accounts.title")}
        query={query}
        width={860}
        empty={t(search ? "accounts.none-such" : "accounts.none")}
        counted={(n) => t("accounts.count", { count: n })}
        columns={[
          {
            title: t("accounts.name"),
            dataIndex: "name",
            render: (name: string, row) => <Link to={`/accounts/${row.id}`}>{name}</Link>,
          },
          {
            title: t("accounts.kind"),
            dataIndex: "kind",
            render: (kind: Account["kind"]) => t(`accounts.kinds.${kind}`),
          },
          {
            title: t("state"),
            dataIndex: "state",
            render: (state: Account["state"]) => <Tag color={stateColors[state]}>{t(`accounts.states.${state}`)}</Tag>,
          },
          {
            title: t("accounts.verified"),
            dataIndex: "identity_verified",
            render: (verified: boolean) => (verified ? t("common:yes") : t("common:no")),
          },
          { title: t("accounts.time-zone"), dataIndex: "time_zone" },
          {
            title: t("accounts.websocket-default"),
            dataIndex: "websocket_default",
            render: (value: Account["websocket_default"]) => t(`accounts.defaults.${value}`),
          },
          { title: t("accounts.created"), dataIndex: "created", render: (date: string) => day(date) },
        ]}
      />
      {creating && (
        <AccountCreate onClose={() => setCreating(false)} onCreated={(made) => navigate(`/accounts/${made.id}`)} />
      )}
    </Page>
  );
}
