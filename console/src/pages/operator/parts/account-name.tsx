// An account by its name, as a link to its page.

import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { api } from "@/api/client";
import { got } from "@/api/problem";

export function AccountName({ id }: { id: string }) {
  const account = useQuery({
    queryKey: ["account-name", id],
    staleTime: 60_000,
    queryFn: ({ signal }) =>
      got(api.GET("/v1/accounts/{account_id}", { params: { path: { account_id: id } }, signal })),
  });
  return <Link to={`/accounts/${id}`}>{account.data?.name ?? id}</Link>;
}
