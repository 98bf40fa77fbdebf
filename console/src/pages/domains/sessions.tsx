// Live sessions of the domain: as they are at this moment, found by the client's address, and ended one by one.

import { ReloadOutlined } from "@ant-design/icons";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { App, Button, Descriptions, Empty, Flex, Input, Table, Tag, Typography } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { bytes, count, dateTime } from "@/parts/format";
import { ProblemAlert } from "@/parts/problem";
import { useLogin } from "@/shell/session";
import { partKey, useDomain } from "./domain";

type Session = Schemas["Session"];

export default function Sessions() {
  const { t } = useTranslation(["configure", "common"]);
  const { name } = useDomain();
  const { modal, message } = App.useApp();
  const mayWrite = useLogin().may_write;
  const [client, setClient] = useState("");
  const [asked, setAsked] = useState<ReadonlySet<string>>(new Set());

  const query = useInfiniteQuery({
    queryKey: [...partKey(name, "sessions"), client],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET("/v1/domains/{domain}/sessions", {
          params: { path: { domain: name }, query: { limit: 200, after: pageParam, client: client || undefined } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
    // What was fetched before is not compared anew with every page of a long list.
    structuralSharing: false,
    // Of more than one page every one would be asked for anew; there is a button for that.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= 1 ? 3000 : false),
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const total = query.data?.pages[0]?.total ?? 0;

  const end = useMutation({
    mutationFn: (session: Session) =>
      got(
        api.DELETE("/v1/domains/{domain}/sessions/{session_id}", {
          params: { path: { domain: name, session_id: session.id } },
        }),
      ),
    onSuccess: (_, session) => {
      setAsked((before) => new Set(before).add(session.id));
      message.success(t("sessions.asked", { client: session.client }));
      void query.refetch();
    },
  });
  const ask = async (session: Session) => {
    const sure = await modal.confirm({
      title: t("sessions.sure", { client: session.client }),
      content: t("sessions.sure-about"),
      okText: t("sessions.end"),
      cancelText: t("common:cancel"),
      okButtonProps: { danger: true },
      autoFocusButton: "cancel",
    });
    if (sure) end.mutate(session);
  };
  const details = (session: Session) =>
    modal.info({
      title: t("sessions.one", { client: session.client }),
      width: 640,
      icon: null,
      okText: t("common:close"),
      content: (
        <Descriptions
          column={1}
          size="small"
          items={(
            [
              ["id", <code key="id">{session.id}</code>],
              ["client", `${session.client} : ${session.client_port}`],
              ["protocol", t(`sessions.protocols.${session.protocol}`)],
              ["tls", session.tls || t("common:none")],
              ["target", <code key="target">{session.target}</code>],
              ["origin", session.origin],
              ["edge", session.edge],
              ["opened", dateTime(session.opened)],
              ["idle", t("sessions.seconds", { value: Math.floor(session.idle_ms / 1000) })],
              ["bytes-in", bytes(session.bytes_in)],
              ["bytes-out", bytes(session.bytes_out)],
              ["frames-in", count(session.frames_in)],
              ["frames-out", count(session.frames_out)],
              ["messages-in", count(session.messages_in)],
              ["messages-out", count(session.messages_out)],
            ] as const
          ).map(([key, children]) => ({
            key,
            label: t(`sessions.${key}`),
            children: <span style={{ wordBreak: "break-all" }}>{children}</span>,
          }))}
        />
      ),
    });

  return (
    <>
      <Flex gap="small" wrap align="center" style={{ marginBottom: 12 }}>
        <Input.Search
          allowClear
          aria-label={t("sessions.filter")}
          placeholder={t("sessions.filter")}
          maxLength={45}
          onSearch={(value) => setClient(value.trim())}
          style={{ maxWidth: 320 }}
        />
        <Button icon={<ReloadOutlined aria-hidden />} onClick={() => query.refetch()}>
          {t("sessions.refresh")}
        </Button>
        <Typography.Text type="secondary" role="status">
          {query.data && t("danger.live", { count: total })}
        </Typography.Text>
      </Flex>
      <ProblemAlert error={query.error ?? end.error} onRetry={() => query.refetch()} />
      {query.isSuccess && rows.length === 0 ? (
        <Empty description={client ? t("sessions.none-of", { client }) : t("sessions.none")} />
      ) : (
        <Table<Session>
          virtual
          rowKey="id"
          size="small"
          pagination={false}
          loading={query.isPending}
          dataSource={rows}
          scroll={{ x: 1240, y: Math.max(240, window.innerHeight - 400) }}
          onScroll={(event) => {
            const box = event.currentTarget;
            const near = box.scrollHeight - box.scrollTop - box.clientHeight < 1000;
            if (near && query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
          }}
          columns={[
            { title: t("sessions.client"), dataIndex: "client", width: 180, ellipsis: true },
            {
              title: t("sessions.protocol"),
              dataIndex: "protocol",
              width: 130,
              render: (value: Session["protocol"], row) =>
                row.tls
                  ? t("sessions.over-tls", { protocol: t(`sessions.protocols.${value}`) })
                  : t(`sessions.protocols.${value}`),
            },
            { title: t("sessions.target"), dataIndex: "target", width: 180, ellipsis: true },
            { title: t("sessions.origin"), dataIndex: "origin", width: 180, ellipsis: true },
            {
              title: t("sessions.opened"),
              dataIndex: "opened",
              width: 190,
              render: (value: string) => dateTime(value),
            },
            {
              title: t("sessions.idle"),
              dataIndex: "idle_ms",
              width: 90,
              align: "end",
              render: (ms: number) => t("sessions.seconds", { value: Math.floor(ms / 1000) }),
            },
            { title: t("sessions.bytes-in"), dataIndex: "bytes_in", width: 110, align: "end", render: bytes },
            { title: t("sessions.bytes-out"), dataIndex: "bytes_out", width: 110, align: "end", render: bytes },
            {
              title: t("sessions.actions"),
              key: "actions",
              width: 170,
              render: (_, row) => (
                <Flex gap={4} align="center">
                  <Button type="link" size="small" onClick={() => details(row)}>
                    {t("sessions.details")}
                  </Button>
                  {row.closing || asked.has(row.id) ? (
                    <Tag color="processing">{t("sessions.ending")}</Tag>
                  ) : (
                    <Button type="link" size="small" danger disabled={!mayWrite} onClick={() => ask(row)}>
                      {t("sessions.end")}
                    </Button>
                  )}
                </Flex>
              ),
            },
          ]}
        />
      )}
    </>
  );
}
