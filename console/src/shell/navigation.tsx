// What there is and where: the menu. Paths are those of routes.tsx.

import {
  ApartmentOutlined,
  AppstoreOutlined,
  AuditOutlined,
  BarChartOutlined,
  ClusterOutlined,
  FileProtectOutlined,
  GlobalOutlined,
  KeyOutlined,
  MailOutlined,
  ProfileOutlined,
  RocketOutlined,
  SafetyCertificateOutlined,
  SettingOutlined,
  TagsOutlined,
  TeamOutlined,
  ThunderboltOutlined,
  WalletOutlined,
} from "@ant-design/icons";
import type { MenuProps } from "antd";
import type { TFunction } from "i18next";
import { Link } from "react-router";

type Item = NonNullable<MenuProps["items"]>[number];

export function menuOf(t: TFunction<"shell">, staff: boolean): Item[] {
  const entry = (path: string, name: string, icon: React.ReactNode): Item => ({
    key: path,
    icon,
    label: <Link to={path}>{t(`menu.${name}`)}</Link>,
  });
  const group = (name: string, children: Item[]): Item => ({
    key: name,
    type: "group",
    label: t(`menu.${name}`),
    children,
  });
  return [
    entry("/domains", "domains", <GlobalOutlined aria-hidden />),
    entry("/monitor", "monitor", <BarChartOutlined aria-hidden />),
    entry("/content/websockets", "websockets", <ThunderboltOutlined aria-hidden />),
    group("configuration", [
      entry("/layer7", "layer7", <ApartmentOutlined aria-hidden />),
      entry("/certificates", "certificates", <SafetyCertificateOutlined aria-hidden />),
    ]),
    group("service", [
      entry("/activation", "activation", <RocketOutlined aria-hidden />),
      entry("/billing", "billing", <WalletOutlined aria-hidden />),
      entry("/packs", "packs", <AppstoreOutlined aria-hidden />),
      entry("/bills", "bills", <ProfileOutlined aria-hidden />),
    ]),
    ...(staff
      ? [
          group("operator", [
            entry("/desk", "desk", <AuditOutlined aria-hidden />),
            entry("/accounts", "accounts", <TeamOutlined aria-hidden />),
            entry("/edges", "edges", <ClusterOutlined aria-hidden />),
            entry("/prices", "prices", <TagsOutlined aria-hidden />),
            entry("/policy", "policy", <SettingOutlined aria-hidden />),
            entry("/notices", "notices", <MailOutlined aria-hidden />),
          ]),
        ]
      : []),
    group("access", [
      entry("/tokens", "tokens", <KeyOutlined aria-hidden />),
      entry("/audit", "audit", <FileProtectOutlined aria-hidden />),
    ]),
  ];
}
