// What of the audit trail is shown; it stands in the address, so that it can be passed on.

import { Button, Flex, Input, Select } from "antd";
import { lazy, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { AccountSelect } from "@/pages/operator/parts/account-select";
import { OwnRange } from "@/parts/own-range";
import { useStaff } from "@/shell/session";
import { actionKey, actions, objectTypes } from "./actions";

export interface Filters {
  account_id?: string;
  object_type?: string;
  object_name?: string;
  action?: string;
  start_time?: string;
  end_time?: string;
}

const names = ["account_id", "object_type", "object_name", "action", "start_time", "end_time"] as const;

export function filtersOf(params: URLSearchParams): Filters {
  return Object.fromEntries(names.map((name) => [name, params.get(name) ?? undefined]));
}

const AuditRange = lazy(() => import("./range"));

interface Props {
  params: URLSearchParams;
  onChange: (changes: { [name in keyof Filters]: string | undefined }) => void;
}

export function AuditFilters({ params, onChange }: Props) {
  const { t } = useTranslation("access");
  const staff = useStaff();
  const filters = filtersOf(params);
  const [typed, setTyped] = useState(filters.object_name ?? "");
  useEffect(() => setTyped(filters.object_name ?? ""), [filters.object_name]);
  const none = names.every((name) => filters[name] === undefined);
  return (
    <Flex gap="small" wrap style={{ marginBottom: 12 }}>
      {staff && (
        <div style={{ flex: "0 1 220px" }}>
          <AccountSelect
            label={t("audit.account")}
            placeholder={t("audit.account")}
            value={filters.account_id}
            onChange={(account_id) => onChange({ account_id })}
          />
        </div>
      )}
      <Select
        allowClear
        aria-label={t("audit.object-type")}
        placeholder={t("audit.object-type")}
        value={filters.object_type}
        onChange={(object_type?: string) => onChange({ object_type })}
        options={objectTypes.map((value) => ({ value, label: t(`audit.types.${value}`) }))}
        style={{ minWidth: 180 }}
      />
      <Input.Search
        allowClear
        aria-label={t("audit.object-name")}
        placeholder={t("audit.object-name")}
        value={typed}
        maxLength={300}
        onChange={(event) => setTyped(event.target.value)}
        onSearch={(text) => onChange({ object_name: text.trim() || undefined })}
        style={{ maxWidth: 260 }}
      />
      <Select
        allowClear
        showSearch={{ optionFilterProp: "label" }}
        aria-label={t("audit.action")}
        placeholder={t("audit.action")}
        value={filters.action}
        onChange={(action?: string) => onChange({ action })}
        options={actions.map((value) => ({ value, label: t(actionKey(value), { name: "…" }) }))}
        popupMatchSelectWidth={false}
        style={{ minWidth: 220, maxWidth: "100%" }}
      />
      <OwnRange label={t("audit.time")} chosen={Boolean(filters.start_time || filters.end_time)}>
        {(opened) => <AuditRange filters={filters} opened={opened} onChange={onChange} />}
      </OwnRange>
      {!none && (
        <Button onClick={() => onChange(Object.fromEntries(names.map((name) => [name, undefined])))}>
          {t("audit.clear")}
        </Button>
      )}
    </Flex>
  );
}
