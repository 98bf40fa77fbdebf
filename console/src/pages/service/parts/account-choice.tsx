// Which account a page is about: one's own, unless staff choose another. The choice is in the address, as `account`.

import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { useLogin, useStaff } from "@/shell/session";

// The chosen account's id; undefined: the caller's own, or all where a list has all for staff.
export function useChosenAccount(): string | undefined {
  const [params] = useSearchParams();
  const staff = useStaff();
  return (staff && params.get("account")) || undefined;
}

// A way to a page about the same account.
export function useAccountLink() {
  const staff = useStaff();
  const own = useLogin().account.id;
  return (path: string, accountId: string | undefined) =>
    staff && accountId && accountId !== own ? `${path}?account=${accountId}` : path;
}

// `none`: what no choice means on this page.
export function AccountChoice({ none }: { none: "own" | "all" }) {
  const { t } = useTranslation("service");
  const staff = useStaff();
  const [params, setParams] = useSearchParams();
  const [typed, setTyped] = useState("");
  const search = useDeferredValue(typed.trim());
  const chosen = useChosenAccount();
  const found = useQuery({
    queryKey: ["accounts", "choice", search],
    enabled: staff,
    queryFn: ({ signal }) =>
      got(api.GET("/v1/accounts", { params: { query: { limit: 50, search: search || undefined } }, signal })),
  });
  const one = useQuery({
    queryKey: ["account", chosen],
    enabled: staff && chosen !== undefined,
    queryFn: ({ signal }) =>
      got(api.GET("/v1/accounts/{account_id}", { params: { path: { account_id: chosen ?? "" } }, signal })),
  });
  if (!staff) return null;
  const options = (found.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }));
  if (one.data && !options.some(({ value }) => value === chosen))
    options.unshift({ value: one.data.id, label: one.data.name });
  return (
    <Select
      allowClear
      showSearch={{ filterOption: false, onSearch: setTyped }}
      aria-label={t("account-choice.label")}
      placeholder={t(`account-choice.${none}`)}
      value={chosen}
      options={options}
      loading={found.isFetching}
      style={{ width: 240, maxWidth: "100%" }}
      onChange={(value?: string) => {
        const next = new URLSearchParams(params);
        if (value) next.set("account", value);
        else next.delete("account");
        setParams(next, { replace: true });
      }}
    />
  );
}
