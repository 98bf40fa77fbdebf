// One resource pack and its ledger: where its bytes went, entry by entry.

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Card, Descriptions, Flex, Skeleton, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { useAccountLink } from "@/pages/service/parts/account-choice";
import { bytes, count, dateTime, money } from "@/parts/format";
import { ListTable } from "@/parts/list-table";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { date, span } from "./amounts";
import { PackState } from "./pack-state";
import { Remaining } from "./remaining";

type Entry = Schemas["LedgerEntry"];

export default function Pack() {
  const { t } = useTranslation("billing");
  const { modal, message } = App.useApp();
  const { user, may_write: mayWrite } = useLogin();
  const queries = useQueryClient();
  const link = useAccountLink();
  const { pack: pack_id = "" } = useParams();
  const path = { pack_id };
  const pack = useQuery({
    queryKey: ["pack", pack_id],
    queryFn: ({ signal }) => got(api.GET("/v1/resource-packs/{pack_id}", { params: { path }, signal })),
  });
  const ledger = useInfiniteQuery({
    queryKey: ["pack", pack_id, "ledger"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET("/v1/resource-packs/{pack_id}/ledger", {
          params: { path, query: { limit: 200, after: pageParam } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const cancel = useMutation({
    mutationFn: () => got(api.POST("/v1/resource-packs/{pack_id}/cancel", { params: { path } })),
    onSuccess: (now) => {
      message.success(t("pack.cancelled"));
      for (const key of [
        ["pack", pack_id],
        ["packs", now.account_id],
        ["pack-forecast", now.account_id],
      ])
        void queries.invalidateQueries({ queryKey: key });
    },
  });
  const data = pack.data;
  const unused =
    data !== undefined && data.remaining === data.bytes && (data.state === "active" || data.state === "frozen");
  const rows = ledger.data?.pages.flatMap((page) => page.items) ?? [];
  const h2 = (text: string) => <h2 style={{ margin: 0, fontSize: 16 }}>{text}</h2>;

  return (
    <Page
      title={data ? t("pack.title", { name: data.name }) : t("packs.title")}
      about={<Link to={link("/packs", data?.account_id)}>{t("pack.back")}</Link>}
      actions={
        unused && (
          <Button
            danger
            disabled={!mayWrite || user.role !== "operator"}
            loading={cancel.isPending}
            onClick={() =>
              modal.confirm({
                title: t("pack.cancel-title"),
                content: t("pack.cancel-about", { price: money(data.price, data.currency) }),
                okText: t("pack.cancel"),
                okButtonProps: { danger: true },
                cancelText: t("pack.keep"),
                onOk: () => cancel.mutate(),
              })
            }
          >
            {t("pack.cancel")}
          </Button>
        )
      }
    >
      <ProblemAlert error={pack.error} onRetry={() => pack.refetch()} />
      <ProblemAlert error={cancel.error} />
      {pack.isPending && <Skeleton active />}
      {data && (
        <Flex vertical gap="middle">
          <Card>
            <Descriptions
              column={{ xs: 1, md: 2 }}
              items={[
                { key: "state", label: t("packs.state"), children: <PackState state={data.state} /> },
                { key: "validity", label: t("packs.validity"), children: span(t, data.from, data.until) },
                { key: "bought", label: t("packs.bought"), children: dateTime(data.bought) },
                { key: "price", label: t("packs.price"), children: money(data.price, data.currency) },
                ...(data.ended ? [{ key: "ended", label: t("pack.ended"), children: dateTime(data.ended) }] : []),
              ]}
            />
            <div style={{ maxWidth: 420 }}>
              <Remaining left={data.remaining} of={data.bytes} />
            </div>
            {data.state === "frozen" && <Typography.Paragraph>{t("pack.frozen")}</Typography.Paragraph>}
            {unused && user.role === "customer" && (
              <Typography.Paragraph type="secondary" style={{ marginBottom: 0 }}>
                {t("pack.cancel-by-operator")}
              </Typography.Paragraph>
            )}
          </Card>
          <Card title={h2(t("ledger.title"))}>
            <Typography.Paragraph type="secondary">{t("ledger.about")}</Typography.Paragraph>
            <ProblemAlert error={ledger.error} onRetry={() => ledger.refetch()} />
            <ListTable<Entry>
              label={t("ledger.title")}
              minWidth={860}
              size="small"
              rowKey="id"
              loading={ledger.isPending}
              rows={rows}
              more={ledger}
              columns={[
                { title: t("ledger.at"), dataIndex: "at", render: (at: string) => dateTime(at) },
                {
                  title: t("ledger.kind"),
                  dataIndex: "kind",
                  render: (kind: string) => t(`ledger.kinds.${kind.replace(".", "-")}`),
                },
                { title: t("ledger.from"), dataIndex: "credit", render: (name: string) => <Place name={name} /> },
                { title: t("ledger.to"), dataIndex: "debit", render: (name: string) => <Place name={name} /> },
                {
                  title: t("ledger.amount"),
                  key: "amount",
                  align: "right",
                  render: (_, row) =>
                    row.unit === "bytes" ? (
                      <span title={t("ledger.exact", { number: count(row.amount) })}>{bytes(row.amount)}</span>
                    ) : (
                      money(row.amount, row.unit)
                    ),
                },
                {
                  title: t("ledger.reference"),
                  dataIndex: "reference",
                  render: (name: string) => <Place name={name} />,
                },
              ]}
            />
          </Card>
        </Flex>
      )}
    </Page>
  );
}

// An account of the ledger, or what an entry is about: "pack:ID", "used", "day:2026-03-29", "bill:12".
function Place({ name }: { name: string }) {
  const { t } = useTranslation("billing");
  const [kind = "", rest = ""] = name.split(/:(.*)/s);
  if (kind === "bill") return <Link to={`/bills/${rest}`}>{t("ledger.places.bill", { number: rest })}</Link>;
  if (kind === "day") return t("ledger.places.day", { day: date(rest) });
  return t(`ledger.places.${kind}`, { defaultValue: name });
}
