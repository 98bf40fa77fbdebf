// What each edge obeys, compared domain by domain with the store. It asks every edge for all it knows, so a person asks for it.

import { CheckCircleOutlined, ExclamationCircleOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Descriptions, Flex, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { count, dateTime } from "@/parts/format";
import { ProblemAlert } from "@/parts/problem";

export function Comparison() {
  const { t } = useTranslation("operator");
  const query = useQuery({
    queryKey: ["policy-comparison"],
    enabled: false,
    queryFn: ({ signal }) => got(api.GET("/v1/policy-comparison", { signal })),
  });
  return (
    <Flex vertical gap="middle">
      <Typography.Text type="secondary">{t("compare.about")}</Typography.Text>
      <Flex gap="middle" align="center" wrap>
        <Button loading={query.isFetching} onClick={() => query.refetch()}>
          {t(query.data ? "compare.again" : "compare.do")}
        </Button>
        <Typography.Text type="secondary" role="status">
          {query.data &&
            t("compare.at", {
              date: dateTime(new Date(query.dataUpdatedAt).toISOString()),
              revision: count(query.data.policy_revision),
              domains: count(query.data.domains),
            })}
        </Typography.Text>
      </Flex>
      <ProblemAlert error={query.error} />
      {query.data && (
        <>
          {query.data.unusable.count > 0 && <Some text="compare.unusable" of={query.data.unusable} />}
          {query.data.edges.map((edge) => (
            <One key={edge.edge} edge={edge} newest={query.data.policy_revision} />
          ))}
        </>
      )}
    </Flex>
  );
}

function One({ edge, newest }: { edge: Schemas["EdgeComparison"]; newest: number }) {
  const { t } = useTranslation("operator");
  const same = edge.missing.count + edge.surplus.count + edge.different.count === 0;
  const verdict = !edge.answered
    ? "compare.silent"
    : same
      ? "compare.same"
      : edge.policy_revision < newest
        ? "compare.differs-behind"
        : "compare.differs";
  return (
    <section aria-label={edge.edge}>
      <Typography.Title level={2} style={{ fontSize: 14 }}>
        <code>{edge.edge}</code>
      </Typography.Title>
      <Typography.Paragraph type={edge.answered && same ? "success" : "warning"}>
        {edge.answered && same ? <CheckCircleOutlined aria-hidden /> : <ExclamationCircleOutlined aria-hidden />}{" "}
        {t(verdict)}
      </Typography.Paragraph>
      {edge.answered && (
        <>
          <Descriptions
            size="small"
            column={{ xs: 1, md: 2 }}
            items={[
              { key: "revision", label: t("edges.policy"), children: count(edge.policy_revision) },
              { key: "domains", label: t("edges.domains"), children: count(edge.domains) },
            ]}
          />
          <Some text="compare.missing" of={edge.missing} />
          <Some text="compare.surplus" of={edge.surplus} />
          <Some text="compare.different" of={edge.different} />
        </>
      )}
    </section>
  );
}

type Told = `compare.${"unusable" | "missing" | "surplus" | "different"}`;

function Some({ text, of }: { text: Told; of: Schemas["SomeDomains"] }) {
  const { t } = useTranslation("operator");
  if (of.count === 0) return null;
  const left = of.count - of.names.length;
  return (
    <div style={{ marginBottom: 12 }}>
      <Typography.Text type="warning">{t(text, { count: of.count })}</Typography.Text>
      <ul style={{ margin: 0, paddingInlineStart: 20 }}>
        {of.names.map((name) => (
          <li key={name}>
            <code>{name}</code>
          </li>
        ))}
        {left > 0 && <li>{t("compare.more", { count: left })}</li>}
      </ul>
    </div>
  );
}
