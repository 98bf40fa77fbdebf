import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { Outcome } from "@/parts/outcome";

// A page whose code could not be loaded, or that threw. Loading anew gets the newest program.
export function PageFailed() {
  const { t } = useTranslation("shell");
  return (
    <Outcome
      page
      status="warning"
      title={t("page-failed")}
      extra={
        <Button type="primary" onClick={() => window.location.reload()}>
          {t("load-again")}
        </Button>
      }
    />
  );
}
