// What a whole page, or a large part of one, has to say: how something ended, and what there is to do.

import { CheckCircleFilled, CloseCircleFilled, InfoCircleFilled, WarningFilled } from "@ant-design/icons";
import { Flex, Typography, theme } from "antd";
import { type ReactNode, useEffect } from "react";

const icons = {
  success: CheckCircleFilled,
  info: InfoCircleFilled,
  warning: WarningFilled,
  error: CloseCircleFilled,
};

export function Outcome({
  page = false,
  status,
  title,
  subTitle,
  extra,
}: {
  page?: boolean; // all there is on the page: its heading
  status: keyof typeof icons;
  title: string;
  subTitle?: ReactNode;
  extra?: ReactNode;
}) {
  const { token } = theme.useToken();
  useEffect(() => {
    if (page) document.title = `${title} · Fairlead`;
  }, [page, title]);
  const Icon = icons[status];
  const colors = {
    success: token.colorSuccess,
    info: token.colorInfo,
    warning: token.colorWarning,
    error: token.colorError,
  };
  return (
    <Flex vertical align="center" gap="middle" style={{ padding: "48px 16px", textAlign: "center" }}>
      <Icon style={{ fontSize: 56, color: colors[status] }} aria-hidden />
      <Typography.Title level={page ? 1 : 2} style={{ margin: 0, fontSize: 22 }}>
        {title}
      </Typography.Title>
      {subTitle && <Typography.Text type="secondary">{subTitle}</Typography.Text>}
      {extra}
    </Flex>
  );
}
