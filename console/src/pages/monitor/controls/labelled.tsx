// A control of the filter bar beneath its name.

import { Typography } from "antd";
import type { ReactNode } from "react";

interface Props {
  id: string;
  label: string;
  children: ReactNode;
  grow?: boolean;
}

export function Labelled({ id, label, children, grow }: Props) {
  return (
    <div style={{ flex: grow ? "1 1 260px" : "0 1 auto", minWidth: 0, maxWidth: "100%" }}>
      <label htmlFor={id} style={{ display: "block", marginBottom: 4 }}>
        <Typography.Text type="secondary">{label}</Typography.Text>
      </label>
      {children}
    </div>
  );
}
