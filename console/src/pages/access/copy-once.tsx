// A secret that is shown this once, to be copied.

import { CheckOutlined, CopyOutlined } from "@ant-design/icons";
import { Button, Flex, Input, type InputRef, Typography } from "antd";
import { useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

export function CopyOnce({ label, value, about }: { label: string; value: string; about?: string }) {
  const { t } = useTranslation("access");
  const id = useId();
  const field = useRef<InputRef>(null);
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    field.current?.select();
    // Not to be had everywhere; then it stands selected, and the keyboard copies it.
    await navigator.clipboard?.writeText(value).then(
      () => setCopied(true),
      () => {},
    );
  };
  return (
    <Flex vertical gap={4}>
      <label htmlFor={id}>{label}</label>
      <Flex gap="small" wrap>
        <Input
          id={id}
          ref={field}
          readOnly
          value={value}
          onFocus={(event) => event.target.select()}
          style={{ flex: "1 1 240px", fontFamily: "monospace" }}
        />
        <Button icon={copied ? <CheckOutlined aria-hidden /> : <CopyOutlined aria-hidden />} onClick={copy}>
          {copied ? t("copied") : t("copy")}
        </Button>
      </Flex>
      {about && <Typography.Text type="secondary">{about}</Typography.Text>}
    </Flex>
  );
}
