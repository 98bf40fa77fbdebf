// One layer-7 configuration: the domains bound to it, changing it for all of them at once, deleting it.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Card, Flex, Skeleton, Typography } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { api } from "@/api/client";
import { got, gotWithTag } from "@/api/problem";
import { useAccountLink } from "@/pages/service/parts/account-choice";
import { Page } from "@/parts/page";
import { ProblemAlert } from "@/parts/problem";
import { Refused } from "@/parts/refused";
import { useLogin } from "@/shell/session";
import { DomainLinks } from "./domain-links";
import { Layer7Form } from "./layer7-form";
import { Warnings } from "./warnings";

export default function Layer7Edit() {
  const { t } = useTranslation("security");
  const { modal, message } = App.useApp();
  const mayWrite = useLogin().may_write;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const link = useAccountLink();
  const { config: config_id = "" } = useParams();
  const path = { config_id };
  const [turn, setTurn] = useState(0); // a new one makes the form anew
  const query = useQuery({
    queryKey: ["layer7-config", config_id],
    queryFn: ({ signal }) => gotWithTag(api.GET("/v1/layer7-configs/{config_id}", { params: { path }, signal })),
  });
  const data = query.data?.data;
  const bound = useQuery({
    queryKey: ["domains", "layer7", config_id],
    enabled: data !== undefined,
    queryFn: ({ signal }) =>
      got(
        api.GET("/v1/domains", {
          params: { query: { account_id: data?.account_id, layer7_config: config_id, limit: 500 } },
          signal,
        }),
      ),
  });
  const names = bound.data?.items.map(({ name }) => name) ?? [];
  const remove = useMutation({
    mutationFn: () =>
      got(
        api.DELETE("/v1/layer7-configs/{config_id}", {
          params: { path, header: { "if-match": query.data?.etag ?? "*" } },
        }),
      ),
    onSuccess: () => {
      message.success(t("layer7.deleted"));
      if (data) void queries.invalidateQueries({ queryKey: ["layer7-configs", data.account_id] });
    },
  });
  const back = link("/layer7", data?.account_id);
  useEffect(() => {
    if (remove.isSuccess) navigate(back, { replace: true });
  }, [remove.isSuccess, back, navigate]);
  const loadAnew = async () => {
    remove.reset();
    await query.refetch();
    setTurn((n) => n + 1);
  };

  const askDelete = () => {
    if (!data) return;
    if (data.domains > 0)
      modal.info({
        title: t("layer7.in-use"),
        content: t("layer7.in-use-about", { count: data.domains }),
        okText: t("common:close"),
      });
    else
      modal.confirm({
        title: t("layer7.delete-title", { name: data.name }),
        content: t("layer7.delete-about"),
        okText: t("common:delete"),
        okButtonProps: { danger: true },
        cancelText: t("common:cancel"),
        onOk: () => remove.mutate(),
      });
  };

  return (
    <Page
      title={data ? t("layer7.title-of", { name: data.name }) : t("layer7.title")}
      about={<Link to={back}>{t("layer7.back")}</Link>}
      actions={
        data && (
          <Button danger disabled={!mayWrite} loading={remove.isPending} onClick={askDelete}>
            {t("common:delete")}
          </Button>
        )
      }
    >
      <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      <Refused error={remove.error} onReload={loadAnew} />
      {query.isPending && <Skeleton active />}
      {data && query.data && (
        <Flex vertical gap="middle" style={{ maxWidth: 960 }}>
          <Warnings warnings={data.warnings} />
          <Card>
            <Layer7Form key={turn} config={data} etag={query.data.etag} firstDomain={names[0]} onLoadAnew={loadAnew} />
          </Card>
          <Card title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("layer7.bound")}</h2>}>
            <ProblemAlert error={bound.error} onRetry={() => bound.refetch()} />
            {bound.isPending && <Skeleton active />}
            {bound.data && (
              <>
                <Typography.Paragraph>{t("domains.count", { count: bound.data.total })}</Typography.Paragraph>
                {names.length > 0 && <DomainLinks names={names} most={100} />}
                {names.length === 0 && <Typography.Text type="secondary">{t("layer7.how-to-bind")}</Typography.Text>}
              </>
            )}
          </Card>
        </Flex>
      )}
    </Page>
  );
}
