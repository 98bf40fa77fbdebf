// The applications of an account with what was decided about each, the newest above.

import { CheckCircleOutlined, ClockCircleOutlined, CloseCircleOutlined } from "@ant-design/icons";
import { Descriptions, Empty, Tag } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { count, dateTime } from "@/parts/format";
import { ListTable } from "@/parts/list-table";

type Application = Schemas["Application"];

const looks = {
  submitted: { color: "processing", icon: <ClockCircleOutlined aria-hidden /> },
  approved: { color: "success", icon: <CheckCircleOutlined aria-hidden /> },
  rejected: { color: "error", icon: <CloseCircleOutlined aria-hidden /> },
} as const;

interface Props {
  rows: Application[];
  loading: boolean;
  more: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
}

export function History({ rows, loading, more }: Props) {
  const { t } = useTranslation("service");
  if (!loading && rows.length === 0) return <Empty description={t("history.none")} />;
  // The API's order is the desk's: oldest first.
  const newest = rows.toSorted((a, b) => b.created.localeCompare(a.created));
  const decidedBy = (by: string | null) =>
    by === null ? "" : by === "automatic" || by === "operator" ? t(`history.by.${by}`) : by;
  return (
    <ListTable<Application>
      label={t("history.title")}
      minWidth={860}
      rowKey="id"
      loading={loading}
      rows={newest}
      more={more}
      columns={[
        { title: t("history.created"), dataIndex: "created", render: (at: string) => dateTime(at) },
        {
          title: t("history.kind"),
          dataIndex: "kind",
          render: (kind: Application["kind"], row) =>
            row.domain
              ? t("history.kind-of-domain", { kind: t(`kinds.${kind}`), domain: row.domain })
              : t(`kinds.${kind}`),
        },
        {
          title: t("history.state"),
          dataIndex: "state",
          render: (state: Application["state"]) => (
            <Tag color={looks[state].color} icon={looks[state].icon}>
              {t(`application-states.${state}`)}
            </Tag>
          ),
        },
        {
          title: t("history.reason"),
          dataIndex: "reason",
          render: (reason: string) => reason || t("history.no-reason"),
        },
        { title: t("history.decided"), dataIndex: "decided", render: (at: string | null) => (at ? dateTime(at) : "") },
        { title: t("history.decided-by"), dataIndex: "decided_by", render: decidedBy },
        { title: t("history.fields"), key: "fields", render: (_, row) => <Fields application={row} /> },
      ]}
    />
  );
}

function Fields({ application: { fields } }: { application: Application }) {
  const { t } = useTranslation("service");
  const shown = [
    ["company", fields.company],
    ["contact_name", fields.contact_name],
    ["contact_email", fields.contact_email],
    ["contact_phone", fields.contact_phone],
    ["use_case", t(`use-cases.${fields.use_case}`)],
    ["expected_sessions", fields.expected_sessions === undefined ? undefined : count(fields.expected_sessions)],
    [
      "expected_bandwidth_mbps",
      fields.expected_bandwidth_mbps === undefined ? undefined : count(fields.expected_bandwidth_mbps),
    ],
    ["description", fields.description],
  ] as const;
  return (
    <details>
      <summary>{t("history.show-fields")}</summary>
      <Descriptions
        size="small"
        column={1}
        items={shown
          .filter(([, value]) => value)
          .map(([key, value]) => ({ key, label: t(`fields.${key}`), children: value }))}
      />
    </details>
  );
}
