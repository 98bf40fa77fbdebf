// The link by which a user sets a password: nobody can show it again.

import { Button } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { CopyOnce } from "@/pages/access/copy-once";
import { Dialog } from "@/parts/dialog";
import { dateTime } from "@/parts/format";

interface Props {
  email: string;
  link: Schemas["PasswordLink"];
  onClose: () => void;
}

export function LinkShown({ email, link, onClose }: Props) {
  const { t } = useTranslation("operator");
  return (
    <Dialog
      title={t("users.link-of", { email })}
      onCancel={onClose}
      footer={
        <Button type="primary" onClick={onClose}>
          {t("common:close")}
        </Button>
      }
    >
      <CopyOnce
        label={t("users.link-label")}
        value={link.url}
        about={t("users.link-about", { expires: dateTime(link.expires) })}
      />
    </Dialog>
  );
}
