// Chooses an account, found by a part of its name.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type RefSelectProps, Select } from "antd";
import { type Ref, useDeferredValue, useState } from "react";
import { api } from "@/api/client";
import { got } from "@/api/problem";

interface Props {
  id?: string; // of the form's label
  ref?: Ref<RefSelectProps>; // so that a form can lead to it
  label?: string;
  placeholder: string;
  value?: string;
  onChange?: (id: string | undefined) => void;
}

export function AccountSelect({ id, ref, label, placeholder, value, onChange }: Props) {
  const [typed, setTyped] = useState("");
  const search = useDeferredValue(typed.trim());
  const found = useQuery({
    queryKey: ["accounts", "choice", search],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      got(api.GET("/v1/accounts", { params: { query: { limit: 50, search: search || undefined } }, signal })),
  });
  const chosen = useQuery({
    queryKey: ["account-name", value],
    enabled: value !== undefined,
    staleTime: 60_000,
    queryFn: ({ signal }) =>
      got(api.GET("/v1/accounts/{account_id}", { params: { path: { account_id: value ?? "" } }, signal })),
  });
  const options = (found.data?.items ?? []).map((a) => ({ value: a.id, label: a.name }));
  if (value && !options.some((o) => o.value === value)) options.unshift({ value, label: chosen.data?.name ?? value });
  return (
    <Select
      ref={ref}
      id={id}
      aria-label={label}
      allowClear
      showSearch={{ filterOption: false, onSearch: setTyped }}
      placeholder={placeholder}
      value={value}
      onChange={(next?: string) => onChange?.(next)}
      options={options}
      loading={found.isFetching}
      style={{ width: "100%", minWidth: 200 }}
    />
  );
}
