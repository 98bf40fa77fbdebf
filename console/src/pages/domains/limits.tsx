// Limits: how many sessions the domain may have on an edge, and how fast they may come, in all and of one client.

import { Card, Form, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { changes, nothing } from "./changes";
import { type Limits, limitNames, settingsOf, useDomain } from "./domain";
import { OffNumber } from "./off-number";
import { SettingsForm } from "./settings-form";
import { Warnings } from "./warnings";

export default function LimitsPage() {
  const { t } = useTranslation("configure");
  const { data } = useDomain();
  return (
    <>
      <Typography.Paragraph type="secondary">{t("limits.about")}</Typography.Paragraph>
      <Warnings warnings={data.warnings.filter((w) => w.pointer.startsWith("/settings/limits"))} />
      <Card>
        <SettingsForm<Limits>
          name="limits"
          under={["settings", "limits"]}
          read={(domain) =>
            Object.fromEntries(limitNames.map((key) => [key, settingsOf(domain).limits?.[key] ?? "off"]))
          }
          patch={(before, after) => {
            const limits = changes(before, { ...after });
            return nothing(limits) ? {} : { settings: { limits } };
          }}
        >
          {limitNames.map((key) => (
            <Form.Item key={key} name={key} label={t(`limits.${key}`)} extra={t(`limits.${key}-about`)}>
              <LimitNumber />
            </Form.Item>
          ))}
        </SettingsForm>
      </Card>
    </>
  );
}

type Given = Omit<Parameters<typeof OffNumber>[0], "max" | "placeholder">;

function LimitNumber(props: Given) {
  const { t } = useTranslation("configure");
  return (
    <div style={{ maxWidth: 280 }}>
      <OffNumber {...props} max={16_000_000} placeholder={t("limits.none")} />
    </div>
  );
}
