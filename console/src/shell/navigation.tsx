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
    entry("/domains", "domains", <GlobalOutlined />),
    entry("/monitor", "monitor", <BarChartOutlined />),
    entry("/content/websockets", "websockets", <ThunderboltOutlined />),
    group("configuration", [
      entry("/layer7", "layer7", <ApartmentOutlined />),
      entry("/certificates", "certificates", <SafetyCertificateOutlined />),
    ]),
    group("service", [
      entry("/activation", "activation", <RocketOutlined />),
      entry("/billing", "billing", <WalletOutlined />),
      entry("/packs", "packs", <AppstoreOutlined />),
      entry("/bills", "bills", <ProfileOutlined />),
    ]),
    ...(staff
      ? [
          group("operator", [
            entry("/desk", "desk", <AuditOutlined />),
            entry("/accounts", "accounts", <TeamOutlined />),
            entry("/edges", "edges", <ClusterOutlined />),
            entry("/prices", "prices", <TagsOutlined />),
            entry("/policy", "policy", <SettingOutlined />),
            entry("/notices", "notices", <MailOutlined />),
          ]),
        ]
      : []),
    group("access", [entry("/tokens", "tokens", <KeyOutlined />), entry("/audit", "audit", <FileProtectOutlined />)]),
  ];
}
