// WebSocket Monitor: what passed through the domains and what passes now.

import { ReloadOutlined } from "@ant-design/icons";
import { useIsFetching, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Skeleton } from "antd";
import { lazy, type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { Tabs } from "@/parts/tabs";
import { ZoneContext } from "./account-zone";
import { FilterBar } from "./controls/filter-bar";
import { type Tab, tabs, useFilters } from "./filters";
import { Summary } from "./summary";

// A tab comes when it is looked at.
const BandwidthTab = lazy(() => import("./tabs/bandwidth"));
const TrafficTab = lazy(() => import("./tabs/traffic"));
const CodesTab = lazy(() => import("./tabs/codes"));
const PlacesTab = lazy(() => import("./tabs/places"));
const SessionsTab = lazy(() => import("./tabs/sessions"));
const Live = lazy(() => import("./live/live"));

export default function Monitor() {
  const { t } = useTranslation("monitor");
  const [filters, change] = useFilters();
  const queries = useQueryClient();
  const fetching = useIsFetching({ queryKey: ["statistics"] }) > 0;
  const account = useQuery({
    queryKey: ["monitor", "account", filters.account],
    enabled: filters.account !== undefined,
    queryFn: ({ signal }) =>
      got(api.GET("/v1/accounts/{account_id}", { params: { path: { account_id: filters.account ?? "" } }, signal })),
  });
  const live = filters.tab === "live";
  const views: Record<Tab, ReactNode> = {
    bandwidth: <BandwidthTab filters={filters} onChange={change} />,
    traffic: <TrafficTab filters={filters} onChange={change} />,
    codes: <CodesTab filters={filters} />,
    places: <PlacesTab filters={filters} onChange={change} />,
    sessions: <SessionsTab filters={filters} />,
    live: (
      <Live
        key={`${filters.account} ${filters.domains.join(",")}`}
        domains={filters.domains}
        account={filters.account}
      />
    ),
  };
  return (
    <Page
      title={t("title")}
      about={t("about")}
      actions={
        !live && (
          <Button
            icon={<ReloadOutlined aria-hidden />}
            loading={fetching}
            onClick={() => queries.invalidateQueries({ queryKey: ["statistics"] })}
          >
            {t("refresh")}
          </Button>
        )
      }
    >
      <ProblemAlert error={account.error} onRetry={() => account.refetch()} />
      {account.isLoading ? (
        <Skeleton active />
      ) : (
        <ZoneContext value={account.data?.time_zone ?? null}>
          <FilterBar filters={filters} account={account.data} onChange={change} />
          {!live && <Summary filters={filters} />}
          <Tabs
            label={t("tabs.label")}
            active={filters.tab}
            onChange={(tab) => change({ tab })}
            items={tabs.map((tab) => ({ key: tab, label: t(`tabs.${tab}`) }))}
          >
            <Suspense fallback={<Skeleton active />}>{views[filters.tab]}</Suspense>
          </Tabs>
        </ZoneContext>
      )}
    </Page>
  );
}
