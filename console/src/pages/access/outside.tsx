// The frame of pages for those who are not signed in.

import { Card, Flex, Typography } from "antd";
import { type ReactNode, useEffect } from "react";
import { Preferences } from "@/shell/frame";

export function Outside({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Fairlead`;
  }, [title]);
  return (
    <Flex vertical style={{ minHeight: "100%" }}>
      <Flex component="header" justify="flex-end" gap="small" style={{ padding: 12 }}>
        <Preferences />
      </Flex>
      <Flex component="main" align="center" vertical style={{ flex: 1, padding: "6vh 16px 16px" }}>
        <Flex align="center" gap={12} style={{ marginBottom: 24 }}>
          <img src="/favicon.svg" alt="" width={40} height={40} />
          <Typography.Text strong style={{ fontSize: 22 }}>
            Fairlead
          </Typography.Text>
        </Flex>
        <Card style={{ width: "100%", maxWidth: 420 }}>
          <Typography.Title level={1} style={{ fontSize: 20, marginTop: 0 }}>
            {title}
          </Typography.Title>
          {about && <Typography.Paragraph type="secondary">{about}</Typography.Paragraph>}
          {children}
        </Card>
      </Flex>
    </Flex>
  );
}
