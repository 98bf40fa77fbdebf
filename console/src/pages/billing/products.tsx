// Resource packs on sale. Operators sell them to an account; whether customers buy them themselves is the installation's
// rule, which the API tells when one is bought.

import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Empty } from "antd";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { got, Problem } from "@/api/problem";
import { bytes, money } from "@/parts/format";
import { ListTable } from "@/parts/list-table";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";

type Product = Schemas["PackProduct"];

export function Products({ accountId }: { accountId: string }) {
  const { t } = useTranslation("billing");
  const { modal, message } = App.useApp();
  const { account: own, user, may_write: mayWrite } = useLogin();
  const queries = useQueryClient();
  const products = useInfiniteQuery({
    queryKey: ["pack-products"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(api.GET("/v1/pack-products", { params: { query: { limit: 100, after: pageParam } }, signal })),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const buy = useMutation({
    mutationFn: (product: Product) =>
      got(api.POST("/v1/resource-packs", { body: { account_id: accountId, product_id: product.id } })),
    onSuccess: (pack) => {
      message.success(t("products.bought", { name: pack.name }));
      void queries.invalidateQueries({ queryKey: ["packs", accountId] });
      void queries.invalidateQueries({ queryKey: ["pack-forecast", accountId] });
    },
  });
  // An operators' account is not billed: they buy for another.
  const forNobody = own.kind === "operator" && accountId === own.id;
  const rows = (products.data?.pages.flatMap((page) => page.items) ?? []).filter((product) => product.on_sale);
  const refused = buy.error instanceof Problem && buy.error.code === "forbidden" && user.role === "customer";

  const ask = (product: Product) =>
    modal.confirm({
      title: t("products.ask", { name: product.name }),
      content: t("products.ask-about", {
        bytes: bytes(product.bytes),
        count: product.validity_days,
        price: money(product.price, product.currency),
      }),
      okText: t("products.buy"),
      cancelText: t("common:cancel"),
      onOk: () => buy.mutate(product),
    });

  if (products.isSuccess && rows.length === 0) return <Empty description={t("products.none")} />;
  return (
    <>
      <ProblemAlert error={products.error} onRetry={() => products.refetch()} />
      {refused ? (
        <Alert type="info" showIcon role="alert" title={t("products.ask-operator")} style={{ marginBottom: 16 }} />
      ) : (
        <ProblemAlert error={buy.error} />
      )}
      {forNobody && <Alert type="info" showIcon title={t("products.choose-account")} style={{ marginBottom: 16 }} />}
      <ListTable<Product>
        label={t("products.title")}
        minWidth={620}
        rowKey="id"
        loading={products.isPending}
        rows={rows}
        more={products}
        columns={[
          { title: t("packs.name"), dataIndex: "name" },
          { title: t("products.bytes"), dataIndex: "bytes", render: bytes },
          {
            title: t("packs.validity"),
            dataIndex: "validity_days",
            render: (days: number) => t("products.days", { count: days }),
          },
          {
            title: t("packs.price"),
            key: "price",
            align: "right",
            render: (_, row) => (row.price === 0 ? t("price.free") : money(row.price, row.currency)),
          },
          {
            title: t("actions"),
            key: "actions",
            width: 120,
            render: (_, row) => (
              <Button
                disabled={!mayWrite || forNobody}
                loading={buy.isPending && buy.variables.id === row.id}
                aria-label={t("products.buy-name", { name: row.name })}
                onClick={() => ask(row)}
              >
                {t("products.buy")}
              </Button>
            ),
          },
        ]}
      />
    </>
  );
}
