// A table that may be wider than the page.

import { Table, type TableProps } from "antd";
import { ScrollBox } from "./scroll-box";

// biome-ignore lint/suspicious/noExplicitAny: as the table itself has it
type Row = any;

export function WideTable<T extends Row>({
  width,
  ...rest
}: Omit<TableProps<T>, "scroll"> & { width: number; "aria-label": string }) {
  return (
    <ScrollBox label={rest["aria-label"]} width={width}>
      <Table<T> {...rest} />
    </ScrollBox>
  );
}
