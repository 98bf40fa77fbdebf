// What the API refused; when somebody else was quicker, with the way to see what they made of it.

import { Alert, Button } from "antd";
import { useTranslation } from "react-i18next";
import { type Detail, Problem } from "@/api/problem";
import { ProblemAlert } from "@/parts/problem";

export function Refused({ error, details, onAnew }: { error: unknown; details?: Detail[]; onAnew: () => void }) {
  const { t } = useTranslation("operator");
  if (error instanceof Problem && error.status === 412)
    return (
      <Alert
        type="warning"
        showIcon
        role="alert"
        title={t("common:problem.revision_conflict")}
        description={t("anew-about")}
        action={<Button onClick={onAnew}>{t("anew")}</Button>}
        style={{ marginBottom: 16 }}
      />
    );
  return <ProblemAlert error={error} details={details} />;
}
