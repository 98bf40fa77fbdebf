// Why a change was refused. When somebody else was quicker (412) the newest state is offered: one's own input would
// otherwise undo theirs unseen.

import { Alert, Button } from "antd";
import { useTranslation } from "react-i18next";
import { type Detail, Problem } from "@/api/problem";
import { ProblemAlert } from "./problem";

interface Props {
  error: unknown;
  details?: Detail[]; // what was told at no field; absent: all
  onReload: () => void;
}

export function Refused({ error, details, onReload }: Props) {
  const { t } = useTranslation();
  if (!(error instanceof Problem && error.status === 412)) return <ProblemAlert error={error} details={details} />;
  return (
    <Alert
      type="warning"
      showIcon
      role="alert"
      title={t("problem.revision_conflict")}
      description={t("changed-meanwhile")}
      action={<Button onClick={onReload}>{t("load-anew")}</Button>}
      style={{ marginBottom: 16 }}
    />
  );
}
