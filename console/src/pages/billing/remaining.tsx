// How much of a resource pack is left: as a bar for the eye, and in words beneath it for everybody.

import { Typography, theme } from "antd";
import { useTranslation } from "react-i18next";
import { bytes, percent } from "@/parts/format";

export function Remaining({ left, of, muted }: { left: number; of: number; muted?: boolean }) {
  const { t } = useTranslation("billing");
  const { token } = theme.useToken();
  const part = of > 0 ? left / of : 0;
  const color = muted
    ? token.colorTextQuaternary
    : part > 0.2
      ? token.colorSuccess
      : part > 0
        ? token.colorWarning
        : token.colorTextQuaternary;
  const words = t("packs.left-of", { left: bytes(left), of: bytes(of), part: percent(part) });
  return (
    <div>
      <div aria-hidden style={{ height: 8, borderRadius: 4, background: token.colorFillSecondary, overflow: "hidden" }}>
        <div style={{ width: `${Math.min(100, part * 100)}%`, height: "100%", background: color }} />
      </div>
      <Typography.Text>{words}</Typography.Text>
    </div>
  );
}
