// Price books, those that begin last first. One that is in effect stays; one that is to come can be taken back.

import { PlusOutlined } from "@ant-design/icons";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Flex, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { day } from "@/parts/format";
import { LinkButton } from "@/parts/link-button";
import { useLogin } from "@/shell/session";
import { AccountName } from "../parts/account-name";
import { AccountSelect } from "../parts/account-select";
import { PagedTable } from "../parts/paged-table";
import { Refused } from "../parts/refused";
import { unitName } from "./micro";
import { TariffTables } from "./tariff-tables";

type Book = Schemas["PriceBook"];

const newestFirst = (books: Book[]) =>
  [...books].sort((a, b) => (a.effective < b.effective ? 1 : a.effective > b.effective ? -1 : 0));

// Whether it is to come, in effect or over. By UTC: at other hours an account's own day may be the next already, or the one
// before; the API knows.
function phaseOf(book: Book, books: Book[]): "coming" | "present" | "past" {
  const today = new Date().toISOString().slice(0, 10);
  if (book.effective > today) return "coming";
  const later = books.some(
    (b) => b.account_id === book.account_id && b.effective <= today && b.effective > book.effective,
  );
  return later ? "past" : "present";
}

const phaseColors = { coming: "processing", present: "success", past: "default" };

export function Books() {
  const { t } = useTranslation("operator");
  const { modal } = App.useApp();
  const queries = useQueryClient();
  const mayWrite = useLogin().may_write;
  const [account, setAccount] = useState<string>();
  const query = useInfiniteQuery({
    queryKey: ["price-books", account],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET("/v1/price-books", {
          params: { query: { limit: 200, after: pageParam, account_id: account } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const books = query.data?.pages.flatMap((page) => page.items) ?? [];
  const renew = () => queries.invalidateQueries({ queryKey: ["price-books"] });
  const remove = useMutation({
    mutationFn: (id: string) =>
      got(
        // It is never changed, so there is nothing that somebody could have changed.
        api.DELETE("/v1/price-books/{price_book_id}", {
          params: { path: { price_book_id: id }, header: { "if-match": "*" } },
        }),
      ),
    onSuccess: renew,
  });
  return (
    <>
      <Flex gap="small" wrap justify="space-between" style={{ marginBottom: 12 }}>
        <div style={{ minWidth: 240 }}>
          <AccountSelect
            label={t("account")}
            placeholder={t("prices.all-accounts")}
            value={account}
            onChange={setAccount}
          />
        </div>
        {mayWrite && (
          <LinkButton to="/prices/add" type="primary" icon={<PlusOutlined aria-hidden />}>
            {t("prices.add")}
          </LinkButton>
        )}
      </Flex>
      <Refused error={remove.error} onAnew={renew} />
      <PagedTable<Book>
        label={t("prices.books")}
        query={query}
        rows={newestFirst}
        width={900}
        empty={t("prices.none")}
        counted={(n) => t("prices.count", { count: n })}
        expandable={{
          columnTitle: <span className="visually-hidden">{t("common:details")}</span>,
          expandedRowRender: (book) => <TariffTables book={book} />,
        }}
        columns={[
          { title: t("prices.effective"), dataIndex: "effective", render: (date: string) => day(date, "UTC") },
          {
            title: t("state"),
            key: "phase",
            render: (_, book) => {
              const phase = phaseOf(book, books);
              return <Tag color={phaseColors[phase]}>{t(`prices.phases.${phase}`)}</Tag>;
            },
          },
          {
            title: t("prices.for"),
            dataIndex: "account_id",
            render: (id: string | null) => (id ? <AccountName id={id} /> : t("prices.everybody")),
          },
          { title: t("prices.currency"), dataIndex: "currency" },
          {
            title: t("prices.basis"),
            dataIndex: "basis",
            render: (basis: Book["basis"]) => t(`prices.bases.${basis}`),
          },
          { title: t("prices.unit"), dataIndex: "unit_bytes", render: unitName },
          {
            title: t("actions"),
            key: "actions",
            render: (_, book) =>
              mayWrite && (
                <Flex gap="small" wrap align="center">
                  <Link to={`/prices/add?from=${book.id}`}>{t("prices.copy")}</Link>
                  <Button
                    type="link"
                    size="small"
                    danger
                    disabled={phaseOf(book, books) !== "coming"}
                    aria-label={t("prices.delete-label", { day: day(book.effective, "UTC") })}
                    onClick={() =>
                      modal.confirm({
                        title: t("prices.delete-ask", { day: day(book.effective, "UTC") }),
                        content: t("prices.delete-about"),
                        okText: t("common:delete"),
                        okButtonProps: { danger: true },
                        onOk: () => remove.mutate(book.id),
                      })
                    }
                  >
                    {t("common:delete")}
                  </Button>
                </Flex>
              ),
          },
        ]}
      />
    </>
  );
}
