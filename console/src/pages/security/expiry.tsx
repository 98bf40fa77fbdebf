// When a certificate ends, as days that are left: by colour, sign and words. The account's users are told 30, 14, 7 and 1
// days before.

import { CheckCircleOutlined, CloseCircleOutlined, ExclamationCircleOutlined } from "@ant-design/icons";
import { Tag } from "antd";
import { useTranslation } from "react-i18next";

export function Expiry({ days }: { days: number }) {
  const { t } = useTranslation("security");
  if (days < 0)
    return (
      <Tag color="error" icon={<CloseCircleOutlined aria-hidden />}>
        {t("expiry.expired", { count: -days })}
      </Tag>
    );
  const soon = days <= 7;
  return (
    <Tag
      color={soon ? "error" : days <= 30 ? "warning" : "success"}
      icon={days <= 30 ? <ExclamationCircleOutlined aria-hidden /> : <CheckCircleOutlined aria-hidden />}
    >
      {days === 0
        ? t("expiry.today")
        : days <= 30
          ? t("expiry.soon", { count: days })
          : t("expiry.days", { count: days })}
    </Tag>
  );
}
