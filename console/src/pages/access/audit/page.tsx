// The audit trail: who changed what, when and from where, the newest first.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { AccountName } from "@/pages/operator/parts/account-name";
import { PagedTable } from "@/pages/operator/parts/paged-table";
import { dateTime } from "@/parts/format";
import { Page } from "@/parts/page";
import { useStaff } from "@/shell/session";
import { actionKey } from "./actions";
import { Differences } from "./differences";
import { AuditFilters, filtersOf } from "./filters";

type Entry = Schemas["AuditEntry"];

export default function Audit() {
  const { t } = useTranslation("access");
  const staff = useStaff();
  const [params, setParams] = useSearchParams();
  const filters = filtersOf(params);
  const query = useInfiniteQuery({
    queryKey: ["audit", filters],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(api.GET("/v1/audit", { params: { query: { ...filters, limit: 50, after: pageParam } }, signal })),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const filtered = Object.values(filters).some((value) => value !== undefined);
  return (
    <Page
      title={t("audit.title")}
      about={t("audit.about")}
      actions={
        <Button onClick={() => query.refetch()} loading={query.isRefetching && !query.isFetchingNextPage}>
          {t("audit.renew")}
        </Button>
      }
    >
      <AuditFilters
        params={params}
        onChange={(changes) =>
          setParams(
            (before) => {
              for (const [name, value] of Object.entries(changes)) {
                if (value) before.set(name, value);
                else before.delete(name);
              }
              return before;
            },
            { replace: true },
          )
        }
      />
      <PagedTable<Entry>
        label={t("audit.title")}
        query={query}
        width={staff ? 1000 : 860}
        empty={t(filtered ? "audit.none-such" : "audit.none")}
        counted={(n) => t("audit.count", { count: n })}
        expandable={{
          columnTitle: <span className="visually-hidden">{t("common:details")}</span>,
          expandedRowRender: (entry) => <Differences entry={entry} />,
          rowExpandable: (entry) => entry.old_value !== null || entry.new_value !== null,
        }}
        columns={[
          { title: t("audit.at"), dataIndex: "at", width: 200, render: (date: string) => dateTime(date) },
          {
            title: t("audit.who"),
            dataIndex: "user",
            render: (user: string | null) =>
              user === null ? (
                <Typography.Text type="secondary">{t("audit.nobody")}</Typography.Text>
              ) : user === "operator" ? (
                t("audit.an-operator")
              ) : user === "deleted user" ? (
                t("audit.deleted-user")
              ) : (
                user
              ),
          },
          {
            title: t("audit.what"),
            key: "what",
            render: (_, entry) => <What entry={entry} />,
          },
          { title: t("audit.from"), dataIndex: "source_address", render: (text: string) => text || t("common:absent") },
          ...(staff
            ? [
                {
                  title: t("audit.account"),
                  dataIndex: "account_id",
                  render: (id: string | null) => (id ? <AccountName id={id} /> : t("common:absent")),
                },
              ]
            : []),
        ]}
      />
    </Page>
  );
}

// Where what it is about can be looked at; nothing when it is gone, or has no page.
function addressOf(entry: Entry, staff: boolean): string | undefined {
  const { object_type, object_name, action, account_id } = entry;
  if (object_type === "domain" && action !== "domain.delete") return `/domains/${object_name}`;
  if (object_type === "application" && staff) return `/desk/${object_name}`;
  if (object_type === "account" && staff && account_id) return `/accounts/${account_id}`;
  if (object_type === "policy" && staff) return "/policy";
  if (object_type === "price_book" && staff) return "/prices";
  return undefined;
}

// A sentence, and where it leads.
function What({ entry }: { entry: Entry }) {
  const { t, i18n } = useTranslation("access");
  const address = addressOf(entry, useStaff());
  const key = actionKey(entry.action);
  const name = entry.object_name;
  const text = i18n.exists(key, { ns: "access" })
    ? t(key, { name })
    : t("audit.other-action", { action: entry.action, name });
  return (
    <>
      {address ? <Link to={address}>{text}</Link> : text}
      <Typography.Text type="secondary" style={{ display: "block" }}>
        <code>{entry.action}</code>
      </Typography.Text>
    </>
  );
}
