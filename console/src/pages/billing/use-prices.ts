// The prices that apply to an account today, and those that are to come.

import { useQuery } from "@tanstack/react-query";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";

export function usePrices(billing: Schemas["Billing"] | undefined) {
  const id = billing?.price_book ?? undefined;
  const present = useQuery({
    queryKey: ["price-book", id],
    enabled: id !== undefined,
    queryFn: ({ signal }) =>
      got(api.GET("/v1/price-books/{price_book_id}", { params: { path: { price_book_id: id ?? "" } }, signal })),
  });
  const all = useQuery({
    queryKey: ["price-books"],
    queryFn: ({ signal }) => got(api.GET("/v1/price-books", { params: { query: { limit: 500 } }, signal })),
  });
  const today = billing && dayIn(billing.time_zone);
  const later = (all.data?.items ?? [])
    .filter((book) => today !== undefined && book.effective > today)
    .sort((a, b) => a.effective.localeCompare(b.effective));
  const ofTheirs = (book: Schemas["PriceBook"]) => book.account_id === billing?.account_id;
  // An account's own prices go before everybody's, from the day they begin.
  const ownFrom = present.data?.account_id ? "" : later.find(ofTheirs)?.effective;
  const coming = later.filter(
    (book) => ofTheirs(book) || (book.account_id === null && (ownFrom === undefined || book.effective < ownFrom)),
  );
  return { present, coming, error: present.error ?? all.error };
}

function dayIn(timeZone: string): string {
  // Swedish writes dates as the API does: 2026-03-29.
  return new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" }).format(new Date());
}
