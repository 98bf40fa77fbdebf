// The proof that a domain is its account's: what to publish, in which of two ways, and what the last look found.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Card, Descriptions, Flex, Skeleton, Typography } from "antd";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { dateTime } from "@/parts/format";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { domainKey, partKey } from "./domain";

function Copied({ text }: { text: string }) {
  return (
    <Typography.Text code copyable style={{ wordBreak: "break-all" }}>
      {text}
    </Typography.Text>
  );
}

export function OwnershipProof({ name }: { name: string }) {
  const { t } = useTranslation("configure");
  const login = useLogin();
  const queries = useQueryClient();
  const key = partKey(name, "ownership");
  const params = { params: { path: { domain: name } } };
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => got(api.GET("/v1/domains/{domain}/ownership", { ...params, signal })),
    refetchInterval: ({ state }) => (state.data?.checking && !state.data.verified ? 2000 : false),
  });
  const check = useMutation({
    mutationFn: () => got(api.POST("/v1/domains/{domain}/ownership/check", params)),
    onSuccess: (data) => queries.setQueryData(key, data),
  });
  const vouch = useMutation({
    mutationFn: () => got(api.POST("/v1/domains/{domain}/ownership/vouch", params)),
    onSuccess: (data) => queries.setQueryData(key, data),
  });
  // A proof opens the gate, and may have brought the domain online.
  const verified = query.data?.verified;
  const before = useRef(verified);
  useEffect(() => {
    if (before.current === false && verified) void queries.invalidateQueries({ queryKey: domainKey(name) });
    before.current = verified;
  }, [verified, queries, name]);

  if (query.isPending) return <Skeleton active />;
  const proof = query.data;
  if (!proof) return <ProblemAlert error={query.error} onRetry={() => query.refetch()} />;
  if (proof.verified)
    return (
      <Alert
        type="success"
        showIcon
        title={t(`ownership.by.${proof.method ?? "dns"}`)}
        description={proof.verified_at ? dateTime(proof.verified_at) : undefined}
      />
    );
  return (
    <>
      <Typography.Paragraph>{proof.http ? t("ownership.about") : t("ownership.about-wildcard")}</Typography.Paragraph>
      <ProblemAlert error={check.error ?? vouch.error} />
      <Flex gap="middle" wrap align="stretch">
        <Card size="small" title={t("ownership.dns")} style={{ flex: "1 1 320px", minWidth: 0 }}>
          <Descriptions
            column={1}
            layout="vertical"
            size="small"
            items={[
              { key: "name", label: t("ownership.record-name"), children: <Copied text={proof.dns.name} /> },
              { key: "type", label: t("ownership.record-type"), children: proof.dns.type },
              { key: "value", label: t("ownership.record-value"), children: <Copied text={proof.dns.value} /> },
            ]}
          />
        </Card>
        {proof.http && (
          <Card size="small" title={t("ownership.file")} style={{ flex: "1 1 320px", minWidth: 0 }}>
            <Descriptions
              column={1}
              layout="vertical"
              size="small"
              items={[
                { key: "url", label: t("ownership.file-url"), children: <Copied text={proof.http.url} /> },
                { key: "body", label: t("ownership.file-body"), children: <Copied text={proof.http.body} /> },
              ]}
            />
          </Card>
        )}
      </Flex>
      <Flex gap="middle" wrap align="center" style={{ marginTop: 16 }}>
        <Button
          type="primary"
          disabled={!login.may_write}
          loading={check.isPending || proof.checking}
          onClick={() => check.mutate()}
        >
          {t("ownership.check")}
        </Button>
        {login.user.role === "operator" && (
          <Button disabled={!login.may_write} loading={vouch.isPending} onClick={() => vouch.mutate()}>
            {t("ownership.vouch")}
          </Button>
        )}
        <Typography.Text type="secondary" role="status">
          {proof.checking && t("ownership.checking")}
        </Typography.Text>
      </Flex>
      {proof.last_result && (
        <Alert
          type="info"
          showIcon
          title={t("ownership.last-result")}
          description={<span style={{ wordBreak: "break-word" }}>{proof.last_result}</span>}
          style={{ marginTop: 16 }}
        />
      )}
    </>
  );
}
