// What the API thinks might not be meant so.

import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { saying } from "@/i18n/saying";

export function Warnings({ warnings }: { warnings: Schemas["Detail"][] }) {
  const { t } = useTranslation("security");
  if (warnings.length === 0) return null;
  return (
    <Alert
      type="warning"
      showIcon
      title={t("warnings", { count: warnings.length })}
      description={
        <ul style={{ margin: 0, paddingInlineStart: 20 }}>
          {warnings.map((one) => (
            <li key={`${one.pointer} ${one.code} ${one.message}`}>
              {one.pointer && <code>{one.pointer}</code>} {saying(one)}
            </li>
          ))}
        </ul>
      }
    />
  );
}
