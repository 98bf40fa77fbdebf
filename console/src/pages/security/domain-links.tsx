// The domains that use something, with ways to them.

import { Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

export function DomainLinks({ names, most = names.length }: { names: string[]; most?: number }) {
  const { t } = useTranslation("security");
  if (names.length === 0) return <Typography.Text type="secondary">{t("domains.none")}</Typography.Text>;
  return (
    <ul style={{ listStyle: "none", margin: 0, padding: 0 }}>
      {names.slice(0, most).map((name) => (
        <li key={name}>
          <Link to={`/domains/${name}`}>{name}</Link>
        </li>
      ))}
      {names.length > most && <li>{t("domains.more", { count: names.length - most })}</li>}
    </ul>
  );
}
