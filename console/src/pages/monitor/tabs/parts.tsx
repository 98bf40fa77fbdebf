// Small parts of the tabs: a share as a bar, a choice of what is drawn, and what is said when there is nothing.

import { Alert, Empty, Flex, Segmented, Typography, theme } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Direction } from "../filters";

export function ShareBar({ share, children }: { share: number; children: ReactNode }) {
  const { token } = theme.useToken();
  return (
    <Flex vertical gap={2}>
      <span style={{ fontVariantNumeric: "tabular-nums" }}>{children}</span>
      <div aria-hidden style={{ height: 6, borderRadius: 3, background: token.colorFillSecondary }}>
        <div
          style={{
            height: "100%",
            borderRadius: 3,
            width: `${Math.min(100, share * 100)}%`,
            minWidth: share > 0 ? 2 : 0,
            background: token.colorPrimary,
          }}
        />
      </div>
    </Flex>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: { value: T; label: string }[];
  onChange: (value: T) => void;
}

export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <div style={{ maxWidth: "100%", overflowX: "auto" }}>
      <Segmented<T> aria-label={label} value={value} options={options} onChange={onChange} />
    </div>
  );
}

export function DirectionChoice({ value, onChange }: { value: Direction; onChange: (value: Direction) => void }) {
  const { t } = useTranslation("monitor");
  return (
    <Choice
      label={t("direction")}
      value={value}
      options={[
        { value: "out", label: t("out") },
        { value: "in", label: t("in") },
      ]}
      onChange={onChange}
    />
  );
}

export function Nothing() {
  const { t } = useTranslation("monitor");
  return <Alert type="info" showIcon role="status" title={t("nothing")} style={{ marginBottom: 16 }} />;
}

export function NoSeries() {
  const { t } = useTranslation("monitor");
  return <Empty description={t("no-series")} />;
}

export function Heading({ children }: { children: ReactNode }) {
  return (
    <Typography.Title level={2} style={{ fontSize: 16 }}>
      {children}
    </Typography.Title>
  );
}
