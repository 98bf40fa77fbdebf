// WebSocket Monitor: what passed through the domains and what passes now.

import { ReloadOutlined } from "@ant-design/icons";
import { useIsFetching, useQueryClient } from "@tanstack/react-query";
import { Button, Skeleton, Tabs } from "antd";
import { lazy, type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Page } from "@/parts/page";
import { FilterBar } from "./controls/filter-bar";
import { type Tab, tabs, useFilters } from "./filters";
import { Summary } from "./summary";
import { BandwidthTab } from "./tabs/bandwidth";
import { CodesTab } from "./tabs/codes";
import { PlacesTab } from "./tabs/places";
import { SessionsTab } from "./tabs/sessions";
import { TrafficTab } from "./tabs/traffic";

const Live = lazy(() => import("./live/live"));

export default function Monitor() {
  const { t } = useTranslation("monitor");
  const [filters, change] = useFilters();
  const queries = useQueryClient();
  const fetching = useIsFetching({ queryKey: ["statistics"] }) > 0;
  const live = filters.tab === "live";
  const views: Record<Tab, ReactNode> = {
    bandwidth: <BandwidthTab filters={filters} onChange={change} />,
    traffic: <TrafficTab filters={filters} onChange={change} />,
    codes: <CodesTab filters={filters} />,
    places: <PlacesTab filters={filters} onChange={change} />,
    sessions: <SessionsTab filters={filters} />,
    live: (
      <Suspense fallback={<Skeleton active />}>
        <Live key={filters.domains.join(",")} domains={filters.domains} />
      </Suspense>
    ),
  };
  return (
    <Page
      title={t("title")}
      about={t("about")}
      actions={
        !live && (
          <Button
            icon={<ReloadOutlined />}
            loading={fetching}
            onClick={() => queries.invalidateQueries({ queryKey: ["statistics"] })}
          >
            {t("refresh")}
          </Button>
        )
      }
    >
      <FilterBar filters={filters} onChange={change} />
      {!live && <Summary filters={filters} />}
      <Tabs
        activeKey={filters.tab}
        onChange={(tab) => change({ tab: tab as Tab })}
        destroyOnHidden
        items={tabs.map((tab) => ({ key: tab, label: t(`tabs.${tab}`), children: views[tab] }))}
      />
    </Page>
  );
}
