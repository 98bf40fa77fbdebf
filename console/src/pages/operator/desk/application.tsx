// One application: what it says, who asks, and the decision.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Card, Descriptions, Flex, Skeleton, Tag, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, type Schemas } from "@/api/client";
import { gotWithTag } from "@/api/problem";
import { Effect } from "@/parts/effect";
import { count, dateTime } from "@/parts/format";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { useNewestChange } from "../parts/newest-change";
import { AccountFacts } from "./account-facts";
import { Decision } from "./decision";
import { DomainFacts } from "./domain-facts";
import { stateColors } from "./states";

type Application = Schemas["Application"];

export default function ApplicationPage() {
  const { t } = useTranslation("operator");
  const { id = "" } = useParams();
  const queries = useQueryClient();
  const mayWrite = useLogin().may_write;
  const newest = useNewestChange();
  const [decided, setDecided] = useState(false);
  const query = useQuery({
    queryKey: ["application", id],
    queryFn: ({ signal }) =>
      gotWithTag(api.GET("/v1/applications/{application_id}", { params: { path: { application_id: id } }, signal })),
  });
  if (query.isPending)
    return (
      <Page title={t("desk.application")}>
        <Skeleton active />
      </Page>
    );
  if (query.isError)
    return (
      <Page title={t("desk.application")}>
        <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      </Page>
    );
  const { data: application, etag } = query.data;

  return (
    <Page
      title={t("desk.application-of", { account: application.account_name })}
      about={t(`desk.kind-about.${application.kind}`)}
      actions={<Link to="/desk">{t("desk.back")}</Link>}
    >
      <Flex vertical gap="middle" style={{ maxWidth: 1100 }}>
        <Card title={t("desk.says")}>
          <Said application={application} />
        </Card>
        <AccountFacts account={application.account_id} application={application.id} />
        {application.domain && <DomainFacts domain={application.domain} />}
        {application.state === "submitted" ? (
          <Decision
            application={application}
            etag={etag}
            mayWrite={mayWrite}
            onAnew={() => query.refetch()}
            onDecided={(answer) => {
              queries.setQueryData(["application", id], answer);
              void queries.invalidateQueries({ queryKey: ["applications"] });
              void queries.invalidateQueries({ queryKey: ["service"] });
              void queries.invalidateQueries({ queryKey: ["domains"] });
              setDecided(true);
              if (answer.data.state === "approved") newest.mutate();
            }}
          />
        ) : (
          <Card title={t("desk.decision")}>
            <Flex vertical gap="small">
              <Decided application={application} />
              <Effect change={newest.data} />
              {decided && <Link to="/desk">{t("desk.next")}</Link>}
            </Flex>
          </Card>
        )}
      </Flex>
    </Page>
  );
}

function Said({ application }: { application: Application }) {
  const { t } = useTranslation("operator");
  const { fields } = application;
  return (
    <Descriptions
      column={{ xs: 1, md: 2 }}
      items={[
        { key: "state", label: t("state"), children: <StateTag state={application.state} /> },
        { key: "created", label: t("desk.submitted"), children: dateTime(application.created) },
        { key: "kind", label: t("desk.kind"), children: t(`desk.kinds.${application.kind}`) },
        { key: "domain", label: t("domain"), children: application.domain ?? t("common:none") },
        { key: "company", label: t("desk.company"), children: fields.company || t("common:absent") },
        { key: "contact", label: t("desk.contact"), children: fields.contact_name },
        { key: "email", label: t("email"), children: fields.contact_email },
        { key: "phone", label: t("desk.phone"), children: fields.contact_phone || t("common:absent") },
        { key: "use", label: t("desk.use-case"), children: t(`desk.use-cases.${fields.use_case}`) },
        {
          key: "sessions",
          label: t("desk.expected-sessions"),
          children: fields.expected_sessions === undefined ? t("common:absent") : count(fields.expected_sessions),
        },
        {
          key: "bandwidth",
          label: t("desk.expected-bandwidth"),
          children:
            fields.expected_bandwidth_mbps === undefined
              ? t("common:absent")
              : t("mbps", { number: count(fields.expected_bandwidth_mbps) }),
        },
        {
          key: "description",
          label: t("desk.description"),
          span: "filled",
          children: <span style={{ whiteSpace: "pre-wrap" }}>{fields.description || t("common:absent")}</span>,
        },
      ]}
    />
  );
}

function Decided({ application }: { application: Application }) {
  const { t } = useTranslation("operator");
  const automatic = application.decided_by === "automatic";
  return (
    <Descriptions
      column={1}
      items={[
        { key: "state", label: t("state"), children: <StateTag state={application.state} /> },
        {
          key: "by",
          label: t("desk.decided-by"),
          children: automatic ? t("desk.automatic") : (application.decided_by ?? t("common:absent")),
        },
        {
          key: "at",
          label: t("desk.decided"),
          children: application.decided ? dateTime(application.decided) : t("common:absent"),
        },
        {
          key: "reason",
          label: t(application.state === "rejected" ? "desk.reason" : "desk.note"),
          children: (
            <Typography.Text style={{ whiteSpace: "pre-wrap" }}>
              {application.reason || t("common:none")}
            </Typography.Text>
          ),
        },
      ]}
    />
  );
}

function StateTag({ state }: { state: Application["state"] }) {
  const { t } = useTranslation("operator");
  return <Tag color={stateColors[state]}>{t(`desk.states.${state}`)}</Tag>;
}
