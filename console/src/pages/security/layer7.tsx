// Layer-7 configurations of an account: named, reusable, bound to many domains.

import { PlusOutlined } from "@ant-design/icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Empty, Flex, Tag, Typography } from "antd";
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

type Config = Schemas["Layer7Config"];

export default function Layer7() {
  const { t } = useTranslation("security");
  const { account: own, may_write: mayWrite } = useLogin();
  const chosen = useChosenAccount();
  const accountId = chosen ?? own.id;
  const query = useInfiniteQuery({
    queryKey: ["layer7-configs", accountId],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET("/v1/layer7-configs", {
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
        to={chosen ? `/layer7/add?account=${chosen}` : "/layer7/add"}
        type="primary"
        icon={<PlusOutlined aria-hidden />}
      >
        {name}
      </LinkButton>
    );

  return (
    <Page
      title={t("layer7.title")}
      about={t("layer7.about")}
      actions={
        <>
          <AccountChoice none="own" />
          {add(t("layer7.add"))}
        </>
      }
    >
      <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      {query.isSuccess && rows.length === 0 ? (
        <Empty description={t("layer7.none")}>{add(t("layer7.add-first"))}</Empty>
      ) : (
        <WideTable<Config>
          label={t("layer7.title")}
          minWidth={760}
          rowKey="id"
          loading={query.isPending}
          rows={rows}
          more={query}
          columns={[
            {
              title: t("layer7.name"),
              dataIndex: "name",
              render: (name: string, row) => <Link to={`/layer7/${row.id}`}>{name}</Link>,
            },
            {
              title: t("layer7.set"),
              dataIndex: "settings",
              render: (settings: Config["settings"]) => <SetKeys settings={settings} />,
            },
            {
              title: t("layer7.bound"),
              dataIndex: "domains",
              render: (count: number) => t("domains.count", { count }),
            },
            {
              title: t("layer7.warnings"),
              dataIndex: "warnings",
              render: (warnings: Config["warnings"]) =>
                warnings.length > 0 ? (
                  <Typography.Text type="warning">{t("warnings", { count: warnings.length })}</Typography.Text>
                ) : (
                  t("common:none")
                ),
            },
            { title: t("layer7.updated"), dataIndex: "updated", render: (at: string) => dateTime(at) },
          ]}
        />
      )}
    </Page>
  );
}

// What differs from the defaults, by the settings' own names.
function SetKeys({ settings }: { settings: Config["settings"] }) {
  const { t } = useTranslation("security");
  const set = Object.entries(settings);
  if (set.length === 0) return <Typography.Text type="secondary">{t("layer7.all-defaults")}</Typography.Text>;
  return (
    <Flex gap={4} wrap>
      {set.map(([key, value]) => (
        <Tag key={key}>{typeof value === "string" || typeof value === "number" ? `${key} ${value}` : key}</Tag>
      ))}
    </Flex>
  );
}
