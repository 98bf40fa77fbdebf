// Who is signed in. Everything below <SignedIn> may rely on it; when the API no longer knows the session, the sign-in page
// comes and leads back.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Flex, Skeleton } from "antd";
import { createContext, type ReactNode, useContext, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Navigate, useLocation } from "react-router";
import { api, onSignedOut, type Schemas, setCsrf } from "@/api/client";
import { got, Problem } from "@/api/problem";
import { Outcome } from "@/parts/outcome";

export type Login = Schemas["Login"];

const LoginContext = createContext<Login | null>(null);

export const loginKey = ["login"];

export function useLogin(): Login {
  const login = useContext(LoginContext);
  if (!login) throw new Error("nobody is signed in here");
  return login;
}

// Operators and auditors see all accounts; auditors change nothing.
export function useStaff() {
  return useLogin().account.kind === "operator";
}

export function SignedIn({ children }: { children: ReactNode }) {
  const { t } = useTranslation("shell");
  const queries = useQueryClient();
  const location = useLocation();
  const login = useQuery({
    queryKey: loginKey,
    queryFn: ({ signal }) => got(api.GET("/v1/login", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => onSignedOut(() => void queries.resetQueries({ queryKey: loginKey })), [queries]);

  if (login.isPending) return <Skeleton active style={{ padding: 48 }} />;
  if (login.isError) {
    if (login.error instanceof Problem && login.error.status === 401)
      return <Navigate to="/sign-in" replace state={{ back: location.pathname + location.search }} />;
    return (
      <Flex align="center" justify="center" style={{ minHeight: "100%" }}>
        <Outcome
          page
          status="warning"
          title={t("unreachable")}
          extra={<Button onClick={() => login.refetch()}>{t("try-again")}</Button>}
        />
      </Flex>
    );
  }
  setCsrf(login.data.csrf);
  return <LoginContext value={login.data}>{children}</LoginContext>;
}
