// The people of an account: inviting them, their roles, and taking their access.

import { PlusOutlined } from "@ant-design/icons";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Card, Flex, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { day } from "@/parts/format";
import { Refused } from "@/parts/refused";
import { useLogin } from "@/shell/session";
import { PagedTable } from "../parts/paged-table";
import { LinkShown } from "./link-shown";
import { UserCreate } from "./user-create";
import { UserRole } from "./user-role";

type User = Schemas["User"];
type Deed = { user: User; what: "disable" | "enable" | "delete" };
type Act = Deed["what"] | "link" | "change-role";

const tagOf = (user: User) => `"${user.revision}"`;

export function Users({ account }: { account: Schemas["Account"] }) {
  const { t } = useTranslation("operator");
  const { modal } = App.useApp();
  const queries = useQueryClient();
  const login = useLogin();
  const [creating, setCreating] = useState(false);
  const [role, setRole] = useState<User>();
  const [link, setLink] = useState<{ email: string; link: Schemas["PasswordLink"] }>();
  const key = ["users", account.id];
  const query = useInfiniteQuery({
    queryKey: key,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      got(api.GET("/v1/users", { params: { query: { account_id: account.id, limit: 50, after: pageParam } }, signal })),
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const renew = () => queries.invalidateQueries({ queryKey: key });
  const deed = useMutation({
    mutationFn: async ({ user, what }: Deed) => {
      const params = { path: { user_id: user.id }, header: { "if-match": tagOf(user) } };
      if (what === "delete") await got(api.DELETE("/v1/users/{user_id}", { params }));
      else await got(api.PATCH("/v1/users/{user_id}", { params, body: { disabled: what === "disable" } }));
    },
    onSuccess: renew,
  });
  const newLink = useMutation({
    mutationFn: (user: User) =>
      got(api.POST("/v1/users/{user_id}/password-link", { params: { path: { user_id: user.id } } })),
    onSuccess: (made, user) => setLink({ email: user.email, link: made }),
  });
  const ask = (user: User, what: "disable" | "delete" | "link") => {
    deed.reset();
    newLink.reset();
    modal.confirm({
      title: t(`users.ask.${what}`, { email: user.email }),
      content: t(user.id === login.user.id && what !== "link" ? "users.yourself" : `users.ask-about.${what}`),
      okText: t(`users.${what}`),
      okButtonProps: { danger: what !== "link" },
      onOk: () => (what === "link" ? newLink.mutate(user) : deed.mutate({ user, what })),
    });
  };

  return (
    <Card
      title={t("users.title")}
      extra={
        <Button icon={<PlusOutlined aria-hidden />} disabled={!login.may_write} onClick={() => setCreating(true)}>
          {t("users.add")}
        </Button>
      }
    >
      <Refused
        error={deed.error ?? newLink.error}
        onReload={() => {
          deed.reset();
          void renew();
        }}
      />
      <PagedTable<User>
        label={t("users.title")}
        query={query}
        width={820}
        empty={t("users.none")}
        counted={(n) => t("users.count", { count: n })}
        columns={[
          { title: t("email"), dataIndex: "email" },
          { title: t("users.role"), dataIndex: "role", render: (value: User["role"]) => t(`users.roles.${value}`) },
          { title: t("state"), key: "state", render: (_, user) => <Access user={user} /> },
          { title: t("accounts.created"), dataIndex: "created", render: (date: string) => day(date) },
          {
            title: t("actions"),
            key: "actions",
            render: (_, user) => {
              const act = (name: Act, onClick: () => void, danger = false, disabled = false) => (
                <Button
                  type="link"
                  size="small"
                  danger={danger}
                  disabled={!login.may_write || disabled}
                  onClick={onClick}
                  aria-label={t(`users.label.${name}`, { email: user.email })}
                >
                  {t(`users.${name}`)}
                </Button>
              );
              return (
                <Flex wrap>
                  {act("link", () => ask(user, "link"), false, user.disabled)}
                  {account.kind === "operator" && act("change-role", () => setRole(user))}
                  {user.disabled
                    ? act("enable", () => deed.mutate({ user, what: "enable" }))
                    : act("disable", () => ask(user, "disable"))}
                  {act("delete", () => ask(user, "delete"), true)}
                </Flex>
              );
            },
          },
        ]}
      />
      {creating && (
        <UserCreate
          account={account}
          onClose={() => setCreating(false)}
          onCreated={(made) => {
            setCreating(false);
            void renew();
            if (made.password_link) setLink({ email: made.user.email, link: made.password_link });
          }}
        />
      )}
      {role && (
        <UserRole
          user={role}
          etag={tagOf(role)}
          onClose={() => setRole(undefined)}
          onChanged={() => {
            setRole(undefined);
            void renew();
          }}
          onAnew={() => {
            setRole(undefined);
            void renew();
          }}
        />
      )}
      {link && <LinkShown email={link.email} link={link.link} onClose={() => setLink(undefined)} />}
    </Card>
  );
}

function Access({ user }: { user: User }) {
  const { t } = useTranslation("operator");
  if (user.disabled) return <Tag>{t("users.disabled")}</Tag>;
  if (!user.has_password) return <Tag color="processing">{t("users.invited")}</Tag>;
  return <Tag color="success">{t("users.active")}</Tag>;
}
