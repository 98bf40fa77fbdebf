// What every tab has in common: it waits, says what went wrong, and tells what the answer says of itself.

import type { UseQueryResult } from "@tanstack/react-query";
import { Skeleton } from "antd";
import type { ReactNode } from "react";
import { ProblemAlert } from "@/parts/problem";
import type { Answered, Head } from "../data";
import { Notes } from "../notes";

interface Props<T extends Head> {
  query: UseQueryResult<Answered<T>>;
  interval?: number; // as asked for
  children: (data: Answered<T>) => ReactNode;
}

export function View<T extends Head>({ query, interval, children }: Props<T>) {
  if (query.isPending) return <Skeleton active paragraph={{ rows: 10 }} />;
  return (
    <>
      <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      {query.data && (
        <>
          <Notes head={query.data.answer} asked={interval} />
          {children(query.data)}
        </>
      )}
    </>
  );
}
