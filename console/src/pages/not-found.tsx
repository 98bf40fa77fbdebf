import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Outcome } from "@/parts/outcome";

export default function NotFound() {
  const { t } = useTranslation("shell");
  return <Outcome page status="info" title={t("no-page")} extra={<Link to="/domains">{t("menu.domains")}</Link>} />;
}
