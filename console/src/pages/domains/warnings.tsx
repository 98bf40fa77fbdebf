// What the API warns of: used all the same, and probably not what is meant.

import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import type { Detail } from "@/api/problem";
import { saying } from "@/i18n/saying";

export function Warnings({ warnings }: { warnings: Detail[] }) {
  const { t } = useTranslation("configure");
  // What a gate lacks is told by the layout.
  const told = warnings.filter((w) => !t(`gate.${w.code}.unmet`, { defaultValue: "" }));
  if (told.length === 0) return null;
  return (
    <Alert
      type="warning"
      showIcon
      title={t("warnings", { count: told.length })}
      description={
        <ul style={{ margin: 0, paddingInlineStart: 20 }}>
          {told.map((w) => (
            <li key={`${w.pointer} ${w.code}`}>
              <code>{w.pointer.replace(/^\/settings/, "")}</code> {saying(w)}
            </li>
          ))}
        </ul>
      }
      style={{ marginBottom: 16 }}
    />
  );
}
