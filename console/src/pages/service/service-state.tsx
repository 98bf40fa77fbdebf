// Whether WebSocket is activated for the account, why not, and what comes next.

import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { dateTime } from "@/parts/format";

const kinds = {
  none: "info",
  submitted: "info",
  approved: "success",
  rejected: "error",
  not_required: "success",
} as const;

interface Props {
  service: Schemas["Service"];
  application: Schemas["Application"] | undefined; // the one that made it so, when it is known
}

export function ServiceState({ service, application }: Props) {
  const { t } = useTranslation("service");
  const { activation, reason } = service;
  const at = application && dateTime(application.decided ?? application.created);
  return (
    <Alert
      type={kinds[activation]}
      showIcon
      role="status"
      title={t(`state.${activation}.title`)}
      description={
        <>
          {at && activation !== "none" && activation !== "not_required"
            ? t(`state.${activation}.at`, { at })
            : t(`state.${activation}.about`)}
          {reason && <div>{t("state.reason", { reason })}</div>}
        </>
      }
    />
  );
}
