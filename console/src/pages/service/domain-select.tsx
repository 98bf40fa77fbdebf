// One of an account's domains, found by its name.

import { useQuery } from "@tanstack/react-query";
import { Select, type SelectProps } from "antd";
import { useDeferredValue, useState } from "react";
import { api } from "@/api/client";
import { got } from "@/api/problem";

export function DomainSelect({ accountId, ...rest }: { accountId: string } & Omit<SelectProps<string>, "options">) {
  const [typed, setTyped] = useState("");
  const search = useDeferredValue(typed.trim());
  const found = useQuery({
    queryKey: ["domains", "choice", accountId, search],
    queryFn: ({ signal }) =>
      got(
        api.GET("/v1/domains", {
          params: { query: { account_id: accountId, search: search || undefined, limit: 50 } },
          signal,
        }),
      ),
  });
  return (
    <Select<string>
      {...rest}
      showSearch={{ filterOption: false, onSearch: setTyped }}
      loading={found.isFetching}
      options={found.data?.items.map(({ name }) => ({ value: name, label: name })) ?? []}
    />
  );
}
