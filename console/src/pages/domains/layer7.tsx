// Layer-7 configuration: binds the domain to one of the account's, or to none, and shows what then holds.

import { useQuery } from "@tanstack/react-query";
import { Card, Descriptions, Form, Select, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api } from "@/api/client";
import { got } from "@/api/problem";
import { ProblemAlert } from "@/parts/problem";
import { changes } from "./changes";
import { settingsOf, useDomain } from "./domain";
import { SettingsForm } from "./settings-form";
import { inWords, sizes } from "./units";
import { Warnings } from "./warnings";

interface Values {
  layer7_config?: string | null;
}

const times = [
  "client_header_timeout",
  "client_body_timeout",
  "keepalive_timeout",
  "proxy_connect_timeout",
  "proxy_send_timeout",
  "proxy_read_timeout",
] as const;

export default function Layer7() {
  const { t } = useTranslation(["configure", "common"]);
  const { data } = useDomain();
  const query = useQuery({
    queryKey: ["layer7-configs", "of-account", data.account_id],
    queryFn: ({ signal }) =>
      got(api.GET("/v1/layer7-configs", { params: { query: { account_id: data.account_id, limit: 500 } }, signal })),
  });
  const now = settingsOf(data).layer7;
  const fields = Array.isArray(now?.add_header) ? (now.add_header as { name: string; value: string }[]) : [];
  return (
    <>
      <Typography.Paragraph type="secondary">
        {t("layer7.about")} <Link to="/layer7">{t("layer7.all")}</Link>
      </Typography.Paragraph>
      <Warnings warnings={data.warnings.filter((w) => w.pointer.includes("layer7"))} />
      <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      <Card style={{ marginBottom: 16 }}>
        <SettingsForm<Values>
          name="layer7"
          read={(domain) => ({ layer7_config: domain.layer7_config })}
          patch={(before, after) => changes(before, { ...after })}
        >
          <Form.Item name="layer7_config" label={t("layer7.bound")} extra={t("layer7.bound-about")}>
            <Select
              allowClear
              showSearch={{ optionFilterProp: "label" }}
              loading={query.isPending}
              placeholder={t("layer7.unbound")}
              notFoundContent={t("layer7.nothing")}
              options={query.data?.items.map((config) => ({
                value: config.name,
                label: t("layer7.option", { name: config.name, count: config.domains }),
              }))}
              style={{ maxWidth: 480 }}
            />
          </Form.Item>
        </SettingsForm>
      </Card>
      {now && (
        <Card title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("layer7.now")}</h2>}>
          <Descriptions
            column={{ xs: 1, md: 2 }}
            items={[
              ...times.map((key) => ({ key, label: t(`layer7.${key}`), children: inWords(t, now[key]) })),
              {
                key: "client_max_body_size",
                label: t("layer7.client_max_body_size"),
                children: inWords(t, now.client_max_body_size, sizes),
              },
              { key: "ssl_protocols", label: t("layer7.ssl_protocols"), children: now.ssl_protocols?.join(", ") },
              {
                key: "ssl_ciphers",
                label: t("layer7.ssl_ciphers"),
                children: now.ssl_ciphers ? (
                  <code style={{ wordBreak: "break-all" }}>{now.ssl_ciphers}</code>
                ) : (
                  t("layer7.own-ciphers")
                ),
              },
              {
                key: "add_header",
                label: t("layer7.add_header"),
                children:
                  fields.length === 0 ? (
                    t("common:none")
                  ) : (
                    <div>
                      {fields.map((field) => (
                        <div key={`${field.name} ${field.value}`}>
                          <code>{`${field.name}: ${field.value}`}</code>
                        </div>
                      ))}
                    </div>
                  ),
              },
            ]}
          />
        </Card>
      )}
    </>
  );
}
