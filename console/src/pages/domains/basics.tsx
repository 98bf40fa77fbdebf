// Basics: whose the domain is, its acceleration, its service region and ICP number; deleting it.

import { Card, Descriptions, Form, Input, Radio, Select } from "antd";
import { useTranslation } from "react-i18next";
import { dateTime } from "@/parts/format";
import { changes } from "./changes";
import { useDanger } from "./danger";
import { DeleteDomain } from "./delete";
import { type Domain, settingsOf, useDomain } from "./domain";
import { SettingsForm } from "./settings-form";
import { Warnings } from "./warnings";

interface Values {
  service_region: Domain["service_region"];
  icp_number?: string;
  settings: { acceleration: "whole-site" | "static" };
}

const regions = ["mainland", "overseas", "global"] as const;

export default function Basics() {
  const { t } = useTranslation(["configure", "domains"]);
  const { name, data } = useDomain();
  const ask = useDanger();
  const region = t("basics.region");
  return (
    <>
      <Warnings warnings={data.warnings} />
      <Card style={{ marginBottom: 16 }}>
        <Descriptions
          column={{ xs: 1, sm: 2, lg: 3 }}
          items={[
            { key: "account", label: t("domains:account"), children: data.account_name },
            { key: "created", label: t("basics.created"), children: dateTime(data.created) },
            { key: "updated", label: t("basics.updated"), children: dateTime(data.updated) },
            {
              key: "migrated",
              label: t("basics.migrated"),
              children: data.migrated ? t("common:yes") : t("common:no"),
            },
          ]}
        />
      </Card>
      <Card style={{ marginBottom: 16 }}>
        <SettingsForm<Values>
          name="basics"
          read={(domain) => ({
            service_region: domain.service_region,
            icp_number: domain.icp_number,
            settings: { acceleration: settingsOf(domain).acceleration ?? "whole-site" },
          })}
          patch={(before, after) => changes(before, { ...after })}
          ask={async (before, after) =>
            before.settings.acceleration === after.settings.acceleration ||
            after.settings.acceleration === "whole-site" ||
            ask({
              name,
              title: t("basics.to-static", { name }),
              about: t("basics.to-static-about"),
              ok: t("basics.to-static-do"),
              websocket: settingsOf(data).websocket,
            })
          }
        >
          <Form.Item
            name={["settings", "acceleration"]}
            label={t("domains:acceleration")}
            extra={t("basics.acceleration-about")}
          >
            <Radio.Group
              aria-label={t("domains:acceleration")}
              options={(["whole-site", "static"] as const).map((value) => ({
                value,
                label: t(`domains:accelerations.${value}`),
              }))}
            />
          </Form.Item>
          <Form.Item name="service_region" label={region} extra={t("basics.region-about")}>
            <Select
              options={regions.map((value) => ({ value, label: t(`regions.${value}`) }))}
              style={{ maxWidth: 320 }}
            />
          </Form.Item>
          <Form.Item name="icp_number" label={t("basics.icp")} extra={t("basics.icp-about")}>
            <Input maxLength={64} style={{ maxWidth: 320 }} />
          </Form.Item>
        </SettingsForm>
      </Card>
      <DeleteDomain />
    </>
  );
}
