// The head of a page: its name (the one h1 there is), what it is for, and what can be done with all of it.

import { Flex, Typography } from "antd";
import { type ReactNode, useEffect } from "react";

interface Props {
  title: string;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ title, about, actions, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Fairlead`;
  }, [title]);
  return (
    <>
      <Flex justify="space-between" align="flex-start" gap="middle" wrap style={{ marginBottom: 16 }}>
        <div style={{ minWidth: 0, maxWidth: 900 }}>
          <Typography.Title level={1} style={{ fontSize: 24, margin: 0 }}>
            {title}
          </Typography.Title>
          {about && (
            <Typography.Paragraph type="secondary" style={{ margin: "4px 0 0" }}>
              {about}
            </Typography.Paragraph>
          )}
        </div>
        {actions && (
          <Flex gap="small" wrap>
            {actions}
          </Flex>
        )}
      </Flex>
      {children}
    </>
  );
}
