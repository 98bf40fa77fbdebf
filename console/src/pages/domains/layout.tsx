// A domain: its name and state, starting and stopping it, what it still lacks, and its settings by subject, each with an
// address of its own.

import { Alert, Skeleton, Tag, Typography, theme } from "antd";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet, useLocation, useParams } from "react-router";
import { Problem } from "@/api/problem";
import { LinkButton } from "@/parts/link-button";
import { Outcome } from "@/parts/outcome";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { type Domain, settingsOf, useDomainQuery } from "./domain";
import { useGates } from "./gates";
import { StartStop } from "./start-stop";
import { stateColors } from "./states";

const tabs = [
  "basics",
  "origins",
  "https",
  "http2",
  "websocket",
  "layer7",
  "limits",
  "sessions",
  "going-live",
] as const;

function Tabs({ name }: { name: string }) {
  const { t } = useTranslation("configure");
  const { token } = theme.useToken();
  return (
    <nav
      aria-label={t("tabs.label")}
      style={{
        display: "flex",
        gap: 4,
        overflowX: "auto",
        marginBottom: 20,
        borderBottom: `1px solid ${token.colorBorderSecondary}`,
      }}
    >
      {tabs.map((tab) => (
        <NavLink
          key={tab}
          to={`/domains/${encodeURIComponent(name)}/${tab}`}
          style={({ isActive }) => ({
            padding: "10px 14px",
            whiteSpace: "nowrap",
            color: isActive ? token.colorPrimary : token.colorText,
            fontWeight: isActive ? 600 : 400,
            borderBottom: `2px solid ${isActive ? token.colorPrimary : "transparent"}`,
          })}
        >
          {t(`tabs.${tab}`)}
        </NavLink>
      ))}
    </nav>
  );
}

// What stands between the domain and its clients, in one line.
function Lacking({ name, domain }: { name: string; domain: Domain }) {
  const { t } = useTranslation("configure");
  const { pathname } = useLocation();
  const gates = useGates(name);
  const live = gates.data?.live.filter((gate) => !gate.met) ?? [];
  // Of WebSocket only to those who want it, and not where it is told anyway.
  const wanted = settingsOf(domain).websocket?.enabled !== false && !pathname.endsWith("/websocket");
  const websocket = (wanted && gates.data?.websocket.filter((gate) => !gate.met)) || [];
  const unmet = [...live, ...websocket];
  if (unmet.length === 0 || pathname.endsWith("/going-live")) return null;
  return (
    <Alert
      type="warning"
      showIcon
      title={live.length > 0 ? t("lacking.live") : t("lacking.websocket")}
      description={
        <ul style={{ margin: 0, paddingInlineStart: 20 }}>
          {unmet.map((gate) => (
            <li key={gate.code}>{t(`gate.${gate.code}.unmet`)}</li>
          ))}
        </ul>
      }
      action={<LinkButton to={`/domains/${encodeURIComponent(name)}/going-live`}>{t("lacking.what-to-do")}</LinkButton>}
      style={{ marginBottom: 16 }}
    />
  );
}

export default function DomainLayout() {
  const { t } = useTranslation(["configure", "domains"]);
  const name = useParams().domain ?? "";
  const query = useDomainQuery(name);

  if (query.error instanceof Problem && query.error.status === 404)
    return (
      <Page title={name}>
        <Outcome
          status="warning"
          title={t("no-domain")}
          extra={
            <LinkButton to="/domains" type="primary">
              {t("to-domains")}
            </LinkButton>
          }
        />
      </Page>
    );
  const domain = query.data?.data;
  return (
    <Page
      title={domain?.name ?? name}
      about={
        domain && (
          <span role="status">
            <Tag color={stateColors[domain.state]}>{t(`domains:states.${domain.state}`)}</Tag>
            {domain.state_reason && <Typography.Text type="secondary">{domain.state_reason}</Typography.Text>}
          </span>
        )
      }
      actions={domain && <StartStop name={name} domain={domain} />}
    >
      {!domain && <ProblemAlert error={query.error} onRetry={() => query.refetch()} />}
      {query.isPending && <Skeleton active />}
      {query.data && (
        <>
          <Lacking name={name} domain={query.data.data} />
          <Tabs name={name} />
          <Suspense fallback={<Skeleton active />}>
            <Outlet key={name} context={{ ...query.data, name, reload: async () => (await query.refetch()).data }} />
          </Suspense>
        </>
      )}
    </Page>
  );
}
