// Which domain names: found by what is typed, several at once; none is all of them.

import { useQuery } from "@tanstack/react-query";
import { Select, Typography } from "antd";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { got } from "@/api/problem";

interface Props {
  id: string;
  account?: string; // of this one alone
  value: string[];
  most: number; // as many as the API takes
  onChange: (domains: string[]) => void;
}

export function DomainSelect({ id, account, value, most, onChange }: Props) {
  const { t } = useTranslation("monitor");
  const [typed, setTyped] = useState("");
  const [opened, setOpened] = useState(false);
  const search = useDeferredValue(typed.trim());
  const found = useQuery({
    queryKey: ["monitor", "domains", account, search],
    enabled: opened,
    queryFn: ({ signal }) =>
      got(
        api.GET("/v1/domains", {
          params: { query: { limit: 50, search: search || undefined, account_id: account } },
          signal,
        }),
      ),
  });
  const left = (found.data?.total ?? 0) - (found.data?.items.length ?? 0);
  return (
    <Select
      id={id}
      mode="multiple"
      allowClear
      style={{ width: "100%" }}
      placeholder={t("all-domains")}
      value={value}
      onChange={onChange}
      maxCount={most}
      maxTagCount="responsive"
      loading={found.isFetching}
      onOpenChange={(open) => open && setOpened(true)}
      showSearch={{ filterOption: false, onSearch: setTyped, searchValue: typed }}
      notFoundContent={found.isPending ? t("searching") : t("no-such-domain")}
      options={found.data?.items.map(({ name }) => ({ value: name, label: name }))}
      popupRender={(menu) => (
        <>
          {menu}
          {left > 0 && (
            <Typography.Paragraph type="secondary" style={{ margin: "4px 12px" }}>
              {t("more-domains", { count: left })}
            </Typography.Paragraph>
          )}
        </>
      )}
    />
  );
}
