// Certificates of an account: what they are for, how long they last, which domains use them.

import { PlusOutlined } from "@ant-design/icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Empty, Flex, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { AccountChoice, useChosenAccount } from "@/pages/service/parts/account-choice";
import { WideTable } from "@/pages/service/parts/wide-table";
import { dateTime } from "@/parts/format";
import { LinkButton } from "@/parts/link-button";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { DomainLinks } from "./domain-links";
import { Expiry } from "./expiry";

type Certificate = Schemas["Certificate"];

export default function Certificates() {
  const { t } = useTranslation("security");
  const { account: own, may_write: mayWrite } = useLogin();
  const chosen = useChosenAccount();
  const accountId = chosen ?? own.id;
  const query = useInfiniteQuery({
    queryKey: ["certificates", accountId],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET("/v1/certificates", {
          params: { query: { account_id: accountId, limit: 100, after: pageParam } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
  const add = (name: string) =>
    mayWrite && (
      <LinkButton
        to={chosen ? `/certificates/add?account=${chosen}` : "/certificates/add"}
        type="primary"
        icon={<PlusOutlined aria-hidden />}
      >
        {name}
      </LinkButton>
    );

  return (
    <Page
      title={t("certificates.title")}
      about={t("certificates.about")}
      actions={
        <>
          <AccountChoice none="own" />
          {add(t("certificates.add"))}
        </>
      }
    >
      <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      {query.isSuccess && rows.length === 0 ? (
        <Empty description={t("certificates.none")}>{add(t("certificates.add-first"))}</Empty>
      ) : (
        <WideTable<Certificate>
          label={t("certificates.title")}
          minWidth={900}
          rowKey="id"
          loading={query.isPending}
          rows={rows}
          more={query}
          columns={[
            {
              title: t("certificates.name"),
              dataIndex: "name",
              render: (name: string, row) => <Link to={`/certificates/${row.id}`}>{name}</Link>,
            },
            {
              title: t("certificates.dns-names"),
              dataIndex: "dns_names",
              render: (names: string[]) => (
                <Typography.Text style={{ wordBreak: "break-all" }}>{names.join(", ")}</Typography.Text>
              ),
            },
            { title: t("certificates.key-type"), dataIndex: "key_type" },
            {
              title: t("certificates.expires"),
              dataIndex: "not_after",
              render: (at: string, row) => (
                <Flex vertical gap={4} align="flex-start">
                  <Expiry days={row.expires_in_days} />
                  <span>{dateTime(at)}</span>
                </Flex>
              ),
            },
            {
              title: t("certificates.domains"),
              dataIndex: "domains",
              render: (names: string[]) => <DomainLinks names={names} most={3} />,
            },
            {
              title: t("actions"),
              key: "actions",
              render: (_, row) => (
                <Link
                  to={`/certificates/${row.id}#replace`}
                  aria-label={t("certificates.replace-name", { name: row.name })}
                >
                  {t("certificates.replace")}
                </Link>
              ),
            },
          ]}
        />
      )}
    </Page>
  );
}
