// Resource packs that are on offer, and those that were.

import { PlusOutlined } from "@ant-design/icons";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Flex, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { bytes, count, day, money } from "@/parts/format";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { PagedTable } from "../parts/paged-table";
import { ProductOffer } from "./product-offer";

type Product = Schemas["PackProduct"];

export function Products() {
  const { t } = useTranslation("operator");
  const { modal } = App.useApp();
  const queries = useQueryClient();
  const mayWrite = useLogin().may_write;
  const [offering, setOffering] = useState(false);
  const query = useInfiniteQuery({
    queryKey: ["pack-products"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(api.GET("/v1/pack-products", { params: { query: { limit: 100, after: pageParam } }, signal })),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const renew = () => queries.invalidateQueries({ queryKey: ["pack-products"] });
  const retire = useMutation({
    mutationFn: (product: string) =>
      got(api.POST("/v1/pack-products/{product}/retire", { params: { path: { product } } })),
    onSuccess: renew,
  });
  return (
    <>
      <Flex justify="flex-end" style={{ marginBottom: 12 }}>
        <Button
          type="primary"
          icon={<PlusOutlined aria-hidden />}
          disabled={!mayWrite}
          onClick={() => setOffering(true)}
        >
          {t("packs.offer")}
        </Button>
      </Flex>
      <ProblemAlert error={retire.error} />
      <PagedTable<Product>
        label={t("packs.title")}
        query={query}
        width={820}
        empty={t("packs.none")}
        counted={(n) => t("packs.count", { count: n })}
        columns={[
          { title: t("packs.name"), dataIndex: "name" },
          { title: t("packs.bytes"), dataIndex: "bytes", align: "right", render: bytes },
          {
            title: t("packs.validity"),
            dataIndex: "validity_days",
            render: (days: number) => t("packs.days", { count: days, number: count(days) }),
          },
          {
            title: t("packs.price"),
            dataIndex: "price",
            align: "right",
            render: (price: number, product) => (price === 0 ? t("prices.free") : money(price, product.currency)),
          },
          {
            title: t("state"),
            dataIndex: "on_sale",
            render: (on: boolean) => (
              <Tag color={on ? "success" : "default"}>{t(on ? "packs.on-sale" : "packs.retired")}</Tag>
            ),
          },
          { title: t("packs.created"), dataIndex: "created", render: (date: string) => day(date) },
          {
            title: t("actions"),
            key: "actions",
            render: (_, product) => (
              <Button
                type="link"
                size="small"
                danger
                disabled={!mayWrite || !product.on_sale}
                aria-label={t("packs.retire-label", { name: product.name })}
                onClick={() =>
                  modal.confirm({
                    title: t("packs.retire-ask", { name: product.name }),
                    content: t("packs.retire-about"),
                    okText: t("packs.retire"),
                    okButtonProps: { danger: true },
                    onOk: () => retire.mutate(product.id),
                  })
                }
              >
                {t("packs.retire")}
              </Button>
            ),
          },
        ]}
      />
      {offering && (
        <ProductOffer
          onClose={() => setOffering(false)}
          onOffered={() => {
            setOffering(false);
            void renew();
          }}
        />
      )}
    </>
  );
}
