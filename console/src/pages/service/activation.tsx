// Activation: what it is, its state, applying, what the account still needs, and every application there was.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Button, Card, Flex, Skeleton, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { useUnsavedGuard } from "@/parts/unsaved";
import { useLogin } from "@/shell/session";
import { AccountGates } from "./account-gates";
import { ApplyForm } from "./apply-form";
import { History } from "./history";
import { AccountChoice, useChosenAccount } from "./parts/account-choice";
import { ServiceState } from "./service-state";

export default function Activation() {
  const { t } = useTranslation("service");
  const { account: own, may_write: mayWrite } = useLogin();
  const chosen = useChosenAccount();
  const accountId = chosen ?? own.id;
  const [params] = useSearchParams();
  // The page of a domain sends here for its architecture change.
  const domain = params.get("domain") ?? undefined;
  const [architecture, setArchitecture] = useState(domain !== undefined);

  const [activationTouched, setActivationTouched] = useState(false);
  const [architectureTouched, setArchitectureTouched] = useState(false);
  useUnsavedGuard(activationTouched || architectureTouched);

  const service = useQuery({
    queryKey: ["service", accountId],
    queryFn: ({ signal }) => got(api.GET("/v1/service", { params: { query: { account_id: accountId } }, signal })),
    // Somebody decides about it elsewhere.
    refetchInterval: ({ state }) => (state.data?.activation === "submitted" ? 15_000 : false),
  });
  const applications = useInfiniteQuery({
    queryKey: ["applications", accountId],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET("/v1/applications", {
          params: { query: { account_id: accountId, limit: 100, after: pageParam } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const decided = service.data?.application_id ?? undefined;
  const application = useQuery({
    // What was decided about it is in the service's state.
    queryKey: ["application", decided, service.data?.activation],
    enabled: decided !== undefined,
    queryFn: ({ signal }) =>
      got(
        api.GET("/v1/applications/{application_id}", {
          params: { path: { application_id: decided ?? "" } },
          signal,
        }),
      ),
  });
  const rows = applications.data?.pages.flatMap((page) => page.items) ?? [];
  const state = service.data?.activation;
  const open = state === "none" || state === "rejected";

  return (
    <Page title={t("activation.title")} about={t("activation.about")} actions={<AccountChoice none="own" />}>
      <ProblemAlert error={service.error} onRetry={() => service.refetch()} />
      <Flex vertical gap="middle">
        {service.isPending && <Skeleton active />}
        {service.data && <ServiceState service={service.data} application={application.data} />}
        {open && (
          <Card title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("apply.title")}</h2>}>
            <ApplyForm key={accountId} kind="activation" accountId={accountId} onTouched={setActivationTouched} />
          </Card>
        )}
        <AccountGates key={`gates ${accountId}`} accountId={accountId} activation={state} />
        <Card title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("architecture.title")}</h2>}>
          <Typography.Paragraph>{t("architecture.about")}</Typography.Paragraph>
          {architecture ? (
            <ApplyForm
              key={`architecture ${accountId}`}
              kind="architecture_change"
              accountId={accountId}
              domain={domain}
              onDone={() => setArchitecture(false)}
              onTouched={setArchitectureTouched}
            />
          ) : (
            <Button disabled={!mayWrite} onClick={() => setArchitecture(true)}>
              {t("architecture.apply")}
            </Button>
          )}
        </Card>
        <Card title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("history.title")}</h2>}>
          <ProblemAlert error={applications.error} onRetry={() => applications.refetch()} />
          <History rows={rows} loading={applications.isPending} more={applications} />
        </Card>
      </Flex>
    </Page>
  );
}
