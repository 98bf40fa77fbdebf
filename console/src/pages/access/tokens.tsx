// My tokens: what programs sign in with. A new one is shown once.

import { PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Empty, Skeleton, Table, Tag, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { Dialog } from "@/parts/dialog";
import { dateTime } from "@/parts/format";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { ScrollBox } from "@/parts/scroll-box";
import { CopyOnce } from "./copy-once";
import { TokenCreate } from "./token-create";

type Token = Schemas["Token"];

const key = ["tokens"];

export default function Tokens() {
  const { t } = useTranslation("access");
  const { modal } = App.useApp();
  const queries = useQueryClient();
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<Schemas["NewToken"]>();
  const query = useQuery({ queryKey: key, queryFn: ({ signal }) => got(api.GET("/v1/tokens", { signal })) });
  const renew = () => queries.invalidateQueries({ queryKey: key });
  const revoke = useMutation({
    mutationFn: (id: string) => got(api.DELETE("/v1/tokens/{token_id}", { params: { path: { token_id: id } } })),
    onSuccess: renew,
  });
  const create = (
    <Button type="primary" icon={<PlusOutlined aria-hidden />} onClick={() => setCreating(true)}>
      {t("tokens.create")}
    </Button>
  );
  return (
    <Page title={t("tokens.title")} about={t("tokens.about")} actions={create}>
      <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      <ProblemAlert error={revoke.error} />
      {query.isPending ? (
        <Skeleton active />
      ) : query.data?.items.length === 0 ? (
        <Empty description={t("tokens.none")} />
      ) : (
        <ScrollBox label={t("tokens.title")} width={820}>
          <Table<Token>
            rowKey="id"
            size="middle"
            pagination={false}
            dataSource={query.data?.items}
            columns={[
              { title: t("tokens.name"), dataIndex: "name" },
              {
                title: t("tokens.scope"),
                dataIndex: "scope",
                render: (scope: Token["scope"]) => t(`tokens.scopes.${scope}`),
              },
              { title: t("tokens.created"), dataIndex: "created", render: (date: string) => dateTime(date) },
              {
                title: t("tokens.expires"),
                dataIndex: "expires",
                render: (date: string | null) => <Ends date={date} />,
              },
              {
                title: t("tokens.last-used"),
                dataIndex: "last_used",
                render: (date: string | null) => (date ? dateTime(date) : t("tokens.never")),
              },
              {
                title: t("actions"),
                key: "actions",
                render: (_, token) => (
                  <Button
                    type="link"
                    size="small"
                    danger
                    aria-label={t("tokens.revoke-label", { name: token.name })}
                    onClick={() =>
                      modal.confirm({
                        title: t("tokens.revoke-ask", { name: token.name }),
                        content: t("tokens.revoke-about"),
                        okText: t("tokens.revoke"),
                        okButtonProps: { danger: true },
                        onOk: () => revoke.mutate(token.id),
                      })
                    }
                  >
                    {t("tokens.revoke")}
                  </Button>
                ),
              },
            ]}
          />
        </ScrollBox>
      )}
      {creating && (
        <TokenCreate
          onClose={() => setCreating(false)}
          onCreated={(token) => {
            setCreating(false);
            setMade(token);
            void renew();
          }}
        />
      )}
      {made && (
        <Dialog
          title={t("tokens.made", { name: made.name })}
          onCancel={() => setMade(undefined)}
          footer={
            <Button type="primary" onClick={() => setMade(undefined)}>
              {t("common:close")}
            </Button>
          }
        >
          <CopyOnce label={t("tokens.token")} value={made.token} about={t("tokens.once")} />
        </Dialog>
      )}
    </Page>
  );
}

function Ends({ date }: { date: string | null }) {
  const { t } = useTranslation("access");
  if (!date) return t("tokens.no-end");
  if (new Date(date).getTime() > Date.now()) return dateTime(date);
  return (
    <>
      <Typography.Text type="secondary">{dateTime(date)}</Typography.Text> <Tag>{t("tokens.expired")}</Tag>
    </>
  );
}
