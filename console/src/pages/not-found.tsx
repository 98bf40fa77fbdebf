import { Result } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

export default function NotFound() {
  const { t } = useTranslation("shell");
  return <Result status="404" title={t("no-page")} extra={<Link to="/domains">{t("menu.domains")}</Link>} />;
}
