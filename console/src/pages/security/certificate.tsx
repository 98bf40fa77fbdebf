// One certificate: what it is, which domains use it, replacing it and deleting it.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Card, Descriptions, Flex, Skeleton } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useNavigate, useParams } from "react-router";
import { api } from "@/api/client";
import { got, gotWithTag } from "@/api/problem";
import { useAccountLink } from "@/pages/service/parts/account-choice";
import { dateTime } from "@/parts/format";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { Refused } from "@/parts/refused";
import { useLogin } from "@/shell/session";
import { CertificateReplace } from "./certificate-replace";
import { DomainLinks } from "./domain-links";
import { Expiry } from "./expiry";
import { Warnings } from "./warnings";

export default function Certificate() {
  const { t } = useTranslation("security");
  const { modal, message } = App.useApp();
  const mayWrite = useLogin().may_write;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const link = useAccountLink();
  const { certificate: certificate_id = "" } = useParams();
  const path = { certificate_id };
  const key = ["certificate", certificate_id];
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => gotWithTag(api.GET("/v1/certificates/{certificate_id}", { params: { path }, signal })),
  });
  const data = query.data?.data;
  const [turn, setTurn] = useState(0); // a new one makes the form anew
  const remove = useMutation({
    mutationFn: () =>
      got(
        api.DELETE("/v1/certificates/{certificate_id}", {
          params: { path, header: { "if-match": query.data?.etag ?? "*" } },
        }),
      ),
    onSuccess: () => {
      message.success(t("certificate.deleted"));
      if (data) void queries.invalidateQueries({ queryKey: ["certificates", data.account_id] });
    },
  });
  const back = link("/certificates", data?.account_id);
  useEffect(() => {
    if (remove.isSuccess) navigate(back, { replace: true });
  }, [remove.isSuccess, back, navigate]);

  // The list leads straight to replacing, which is there only now.
  const { hash } = useLocation();
  const loaded = data !== undefined;
  useEffect(() => {
    if (loaded && hash === "#replace") document.getElementById("replace")?.scrollIntoView();
  }, [loaded, hash]);

  const askDelete = () => {
    if (!data) return;
    if (data.domains.length > 0)
      modal.info({
        title: t("certificate.in-use"),
        content: (
          <>
            <p>{t("certificate.in-use-about")}</p>
            <p>{data.domains.join(", ")}</p>
          </>
        ),
        okText: t("common:close"),
      });
    else
      modal.confirm({
        title: t("certificate.delete-title", { name: data.name }),
        content: t("certificate.delete-about"),
        okText: t("common:delete"),
        okButtonProps: { danger: true },
        cancelText: t("common:cancel"),
        onOk: () => remove.mutate(),
      });
  };
  const h2 = (text: string) => <h2 style={{ margin: 0, fontSize: 16 }}>{text}</h2>;

  return (
    <Page
      title={data ? t("certificate.title", { name: data.name }) : t("certificates.title")}
      about={<Link to={back}>{t("certificate.back")}</Link>}
      actions={
        data && (
          <Button danger disabled={!mayWrite} loading={remove.isPending} onClick={askDelete}>
            {t("common:delete")}
          </Button>
        )
      }
    >
      <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      <Refused
        error={remove.error}
        onReload={() => {
          remove.reset();
          void query.refetch();
        }}
      />
      {query.isPending && <Skeleton active />}
      {data && query.data && (
        <Flex vertical gap="middle">
          {data.expires_in_days < 0 && <Alert type="error" showIcon title={t("certificate.expired")} />}
          <Warnings warnings={data.warnings} />
          <Card>
            <Descriptions
              column={{ xs: 1, md: 2 }}
              items={[
                { key: "expires", label: t("certificates.expires"), children: <Expiry days={data.expires_in_days} /> },
                { key: "names", label: t("certificates.dns-names"), children: data.dns_names.join(", ") },
                { key: "before", label: t("certificate.not-before"), children: dateTime(data.not_before) },
                { key: "after", label: t("certificate.not-after"), children: dateTime(data.not_after) },
                { key: "type", label: t("certificates.key-type"), children: data.key_type },
                { key: "updated", label: t("certificate.updated"), children: dateTime(data.updated) },
              ]}
            />
            <details>
              <summary>{t("certificate.show-chain")}</summary>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
              <pre tabIndex={0} style={{ overflow: "auto", maxHeight: 320, fontSize: 12 }}>
                {data.chain}
              </pre>
            </details>
          </Card>
          <Card title={h2(t("certificate.domains"))}>
            <DomainLinks names={data.domains} />
          </Card>
          <Card id="replace" title={h2(t("certificate.replace-title"))}>
            <CertificateReplace
              key={turn}
              certificate={data}
              etag={query.data.etag}
              onLoadAnew={async () => {
                await query.refetch();
                setTurn((n) => n + 1);
              }}
            />
          </Card>
        </Flex>
      )}
    </Page>
  );
}
