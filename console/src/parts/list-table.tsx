// A table that scrolls inside its own box, which the keyboard reaches too, with a button for the rows that are not
// fetched yet.

import { Button, Flex, Table, type TableProps } from "antd";
import type { AnyObject } from "antd/es/_util/type";
import { useTranslation } from "react-i18next";
import { ScrollBox } from "./scroll-box";

interface Props<T> extends Pick<TableProps<T>, "columns" | "rowKey" | "loading" | "summary" | "size"> {
  label: string; // its name for those who do not see it
  minWidth: number;
  rows: readonly T[];
  more?: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
}

export function ListTable<T extends AnyObject>({ label, minWidth, rows, more, ...rest }: Props<T>) {
  const { t } = useTranslation();
  return (
    <>
      <ScrollBox label={label} width={minWidth}>
        <Table<T> size="middle" pagination={false} dataSource={rows} {...rest} />
      </ScrollBox>
      {more?.hasNextPage && (
        <Flex justify="center" style={{ marginTop: 12 }}>
          <Button loading={more.isFetchingNextPage} onClick={() => more.fetchNextPage()}>
            {t("more")}
          </Button>
        </Flex>
      )}
    </>
  );
}
