// What the API refused of a change: what no field could tell, or that somebody else was quicker.

import { Alert, Button } from "antd";
import { useTranslation } from "react-i18next";
import { type Detail, Problem } from "@/api/problem";
import { ProblemAlert } from "@/parts/problem";

interface Props {
  error: unknown;
  left?: Detail[]; // what was told at no field
  onReload: () => void;
}

export function Refused({ error, left, onReload }: Props) {
  const { t } = useTranslation("configure");
  if (error instanceof Problem && error.status === 412)
    return (
      <Alert
        type="warning"
        showIcon
        role="alert"
        title={t("changed-meanwhile")}
        description={t("changed-meanwhile-about")}
        action={<Button onClick={onReload}>{t("load-anew")}</Button>}
        style={{ marginBottom: 16 }}
      />
    );
  return <ProblemAlert error={error} details={left} />;
}
