// Whose domain names: for operators and auditors, who see those of all accounts.

import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";

interface Props {
  id: string;
  value?: Schemas["Account"]; // the one that is chosen, as it is now
  onChange: (account: string | undefined) => void;
}

export function AccountSelect({ id, value, onChange }: Props) {
  const { t } = useTranslation("monitor");
  const [typed, setTyped] = useState("");
  const [opened, setOpened] = useState(false);
  const search = useDeferredValue(typed.trim());
  const found = useQuery({
    queryKey: ["monitor", "accounts", search],
    enabled: opened,
    queryFn: ({ signal }) =>
      got(api.GET("/v1/accounts", { params: { query: { limit: 50, search: search || undefined } }, signal })),
  });
  const options = (found.data?.items ?? []).map((account) => ({ value: account.id, label: account.name }));
  if (value && !options.some((option) => option.value === value.id))
    options.unshift({ value: value.id, label: value.name });
  return (
    <Select
      id={id}
      allowClear
      style={{ width: 220, maxWidth: "100%" }}
      popupMatchSelectWidth={false}
      placeholder={t("all-accounts")}
      value={value?.id}
      onChange={(account?: string) => onChange(account)}
      loading={opened && found.isFetching}
      onOpenChange={(open) => open && setOpened(true)}
      showSearch={{ filterOption: false, onSearch: setTyped, searchValue: typed }}
      notFoundContent={found.isFetching ? t("searching") : t("no-such-account")}
      options={options}
    />
  );
}
