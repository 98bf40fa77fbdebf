// A table of a list that comes in pages: the next page is asked for by a button, so that what lies beneath can be reached.

import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { Button, Empty, Flex, Table, type TableProps, Typography } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ProblemAlert } from "@/parts/problem";
import { ScrollBox } from "@/parts/scroll-box";

export interface PageOf<T> {
  items: T[];
  total: number;
  next: string | null;
}

interface Props<T> {
  label: string;
  query: UseInfiniteQueryResult<InfiniteData<PageOf<T>, unknown>, Error>;
  columns: NonNullable<TableProps<T>["columns"]>;
  width: number; // what its columns need
  empty: ReactNode;
  counted: (total: number) => string;
  expandable?: TableProps<T>["expandable"];
  rows?: (items: T[]) => T[]; // another order
}

export function PagedTable<T extends { id: string }>(props: Props<T>) {
  const { label, query, columns, width, empty, counted, expandable, rows } = props;
  const { t } = useTranslation();
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const total = query.data?.pages[0]?.total;
  if (query.isError && !query.data) return <ProblemAlert error={query.error} onRetry={() => query.refetch()} />;
  if (query.isSuccess && items.length === 0) return <Empty description={empty} />;
  return (
    <>
      <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      <ScrollBox label={label} width={width}>
        <Table<T>
          rowKey="id"
          size="middle"
          pagination={false}
          loading={query.isPending}
          dataSource={rows ? rows(items) : items}
          columns={columns}
          expandable={
            expandable && { columnTitle: <span className="visually-hidden">{t("common:details")}</span>, ...expandable }
          }
        />
      </ScrollBox>
      <Flex justify="space-between" align="center" gap="middle" style={{ marginTop: 12, minHeight: 32 }}>
        <Typography.Text type="secondary" role="status">
          {total !== undefined && counted(total)}
        </Typography.Text>
        {query.hasNextPage && (
          <Button loading={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
            {t("more")}
          </Button>
        )}
      </Flex>
    </>
  );
}
