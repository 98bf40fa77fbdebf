// Why a change was refused. When somebody else was quicker (412) the newest state is offered: one's own input would
// otherwise undo theirs unseen.

import { Alert, Button } from "antd";
import { useTranslation } from "react-i18next";
import { type Detail, Problem } from "@/api/problem";
import { ProblemAlert } from "@/parts/problem";

interface Props {
  error: unknown;
  details?: Detail[];
  onLoadAnew: () => void;
}

export function ChangeProblem({ error, details, onLoadAnew }: Props) {
  const { t } = useTranslation("service");
  if (!(error instanceof Problem && error.status === 412)) return <ProblemAlert error={error} details={details} />;
  return (
    <Alert
      type="warning"
      showIcon
      role="alert"
      title={t("changed.title")}
      description={t("changed.about")}
      action={<Button onClick={onLoadAnew}>{t("changed.load-anew")}</Button>}
      style={{ marginBottom: 16 }}
    />
  );
}
