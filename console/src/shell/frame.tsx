// The frame of every page: the menu, who is signed in, language and appearance.

import {
  DesktopOutlined,
  MenuOutlined,
  MoonOutlined,
  SunOutlined,
  TranslationOutlined,
  UserOutlined,
} from "@ant-design/icons";
import { useQueryClient } from "@tanstack/react-query";
import { Button, Dropdown, Flex, Grid, Layout, Menu, Skeleton, Typography, theme } from "antd";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, Outlet, ScrollRestoration, useLocation, useNavigate } from "react-router";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { type Language, setLanguage } from "@/i18n";
import { type Scheme, useAppearance } from "./appearance";
import { menuOf } from "./navigation";
import { loginKey, SignedIn, useLogin, useStaff } from "./session";

const schemeIcons = {
  system: <DesktopOutlined aria-hidden />,
  light: <SunOutlined aria-hidden />,
  dark: <MoonOutlined aria-hidden />,
};

const MenuDrawer = lazy(() => import("./menu-drawer")); // narrow windows only

// A menu of the bar stays with the bar when the page scrolls under it.
const beside = (button: HTMLElement) => button.parentElement ?? document.body;

export function Preferences() {
  const { t, i18n } = useTranslation("shell");
  const { scheme, choose } = useAppearance();
  return (
    <>
      <Dropdown
        trigger={["click"]}
        getPopupContainer={beside}
        menu={{
          selectable: true,
          selectedKeys: [i18n.language],
          items: [
            { key: "en", label: <span lang="en">English</span> },
            { key: "zh-CN", label: <span lang="zh-CN">简体中文</span> },
          ],
          onClick: ({ key }) => void setLanguage(key as Language),
        }}
      >
        <Button type="text" icon={<TranslationOutlined aria-hidden />} aria-label={t("language")} />
      </Dropdown>
      <Dropdown
        trigger={["click"]}
        getPopupContainer={beside}
        menu={{
          selectable: true,
          selectedKeys: [scheme],
          items: (["system", "light", "dark"] as Scheme[]).map((key) => ({
            key,
            icon: schemeIcons[key],
            label: t(`scheme.${key}`),
          })),
          onClick: ({ key }) => choose(key as Scheme),
        }}
      >
        <Button type="text" icon={schemeIcons[scheme]} aria-label={t("appearance")} />
      </Dropdown>
    </>
  );
}

function User() {
  const { t } = useTranslation("shell");
  const login = useLogin();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const leave = async () => {
    await got(api.POST("/v1/logout")).catch(() => {});
    queries.clear();
    await queries.resetQueries({ queryKey: loginKey });
    navigate("/sign-in");
  };
  return (
    <Dropdown
      trigger={["click"]}
      getPopupContainer={beside}
      menu={{
        items: [
          { key: "who", type: "group", label: `${login.account.name} · ${t(`role.${login.user.role}`)}` },
          { key: "password", label: t("change-password"), onClick: () => navigate("/password/change") },
          { type: "divider" },
          { key: "leave", label: t("sign-out"), onClick: leave },
        ],
      }}
    >
      <Button
        type="text"
        icon={<UserOutlined aria-hidden />}
        aria-label={t("signed-in-as", { email: login.user.email })}
      >
        <span className="wide-only">{login.user.email}</span>
      </Button>
    </Dropdown>
  );
}

function Bars() {
  const { t } = useTranslation("shell");
  const { token } = theme.useToken();
  const staff = useStaff();
  const { pathname } = useLocation();
  const wide = Grid.useBreakpoint().lg ?? true;
  const [open, setOpen] = useState(false);
  const [opened, setOpened] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the drawer
  useEffect(() => setOpen(false), [pathname]);

  const show = () => {
    setOpened(true);
    setOpen(true);
  };

  const items = menuOf(t, staff);
  const keys = items.flatMap((item) =>
    item && "children" in item && item.children
      ? item.children.map((child) => String(child?.key))
      : [String(item?.key)],
  );
  const selected = keys.find((key) => pathname === key || pathname.startsWith(`${key}/`));
  const menu = (
    <Menu mode="inline" items={items} selectedKeys={selected ? [selected] : []} style={{ borderInlineEnd: 0 }} />
  );
  return (
    <Layout style={{ minHeight: "100%" }}>
      <a className="skip-link" href="#main" style={{ background: token.colorBgElevated }}>
        {t("skip")}
      </a>
      <Layout.Header
        style={{
          position: "sticky",
          top: 0,
          zIndex: 100,
          height: 56,
          lineHeight: "normal",
          padding: "0 16px",
          background: token.colorBgContainer,
          borderBottom: `1px solid ${token.colorBorderSecondary}`,
        }}
      >
        <Flex align="center" gap="small" style={{ height: "100%" }}>
          {!wide && (
            <Button type="text" icon={<MenuOutlined aria-hidden />} aria-label={t("open-menu")} onClick={show} />
          )}
          <Link to="/" style={{ display: "flex", alignItems: "center", gap: 10 }} aria-label={t("home")}>
            <img src="/favicon.svg" alt="" width={28} height={28} />
            <Typography.Text strong style={{ fontSize: 17 }}>
              Fairlead
            </Typography.Text>
          </Link>
          <span style={{ flex: 1 }} />
          <Preferences />
          <User />
        </Flex>
      </Layout.Header>
      <Layout hasSider>
        {wide ? (
          <Layout.Sider width={232} theme="light">
            <nav
              aria-label={t("menu.label")}
              style={{ position: "sticky", top: 56, maxHeight: "calc(100vh - 56px)", overflow: "auto" }}
            >
              {menu}
            </nav>
          </Layout.Sider>
        ) : (
          opened && (
            <Suspense>
              <MenuDrawer open={open} onClose={() => setOpen(false)}>
                <nav aria-label={t("menu.label")}>{menu}</nav>
              </MenuDrawer>
            </Suspense>
          )
        )}
        <Layout.Content
          id="main"
          tabIndex={-1}
          style={{ minWidth: 0, padding: wide ? 24 : 12, outline: "none" }}
          role="main"
        >
          <Suspense fallback={<Skeleton active />}>
            <Outlet />
          </Suspense>
        </Layout.Content>
      </Layout>
      <ScrollRestoration />
    </Layout>
  );
}

export function Frame() {
  return (
    <SignedIn>
      <Bars />
    </SignedIn>
  );
}
