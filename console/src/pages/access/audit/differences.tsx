// What an entry changed, value by value, before and after.

import { Flex, Switch, Table, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";

interface Row {
  path: string;
  before: string | undefined;
  after: string | undefined;
}

// The leaves of a document by their paths. A list without maps in it is one value.
function leaves(value: unknown, path: string, into: Map<string, string>) {
  const inside = value !== null && typeof value === "object" ? Object.entries(value) : [];
  const plain = Array.isArray(value) && value.every((one) => one === null || typeof one !== "object");
  if (inside.length === 0 || plain) into.set(path, JSON.stringify(value));
  else for (const [key, one] of inside) leaves(one, path ? `${path}.${key}` : key, into);
}

export function differencesOf(entry: Schemas["AuditEntry"]): Row[] {
  const before = new Map<string, string>();
  const after = new Map<string, string>();
  if (entry.old_value) leaves(entry.old_value, "", before);
  if (entry.new_value) leaves(entry.new_value, "", after);
  return [...new Set([...before.keys(), ...after.keys()])].map((path) => ({
    path,
    before: before.get(path),
    after: after.get(path),
  }));
}

export function Differences({ entry }: { entry: Schemas["AuditEntry"] }) {
  const { t } = useTranslation("access");
  const [all, setAll] = useState(false);
  const rows = differencesOf(entry);
  const changed = rows.filter((row) => row.before !== row.after);
  const both = entry.old_value !== null && entry.new_value !== null;
  const value = (text: string | undefined) =>
    text === undefined ? (
      <Typography.Text type="secondary">{t("audit.not-there")}</Typography.Text>
    ) : (
      <code style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>{text}</code>
    );
  return (
    <Flex vertical gap="small">
      {both && changed.length < rows.length && (
        <Flex gap="small" align="center">
          <Switch size="small" checked={all} onChange={setAll} aria-label={t("audit.show-all")} />
          <span aria-hidden>{t("audit.show-all")}</span>
        </Flex>
      )}
      <Table<Row>
        size="small"
        rowKey="path"
        pagination={false}
        dataSource={both && !all ? changed : rows}
        locale={{ emptyText: t("audit.nothing-changed") }}
        columns={[
          { title: t("audit.value"), dataIndex: "path", width: 280, render: (path: string) => <code>{path}</code> },
          ...(entry.old_value ? [{ title: t("audit.before"), dataIndex: "before", render: value }] : []),
          ...(entry.new_value ? [{ title: t("audit.after"), dataIndex: "after", render: value }] : []),
        ]}
      />
    </Flex>
  );
}
