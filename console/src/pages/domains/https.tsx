// HTTPS: which of the account's certificates the domain shows to its clients, and until when they are good.

import { CheckCircleOutlined, ExclamationCircleOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Card, Empty, Form, Select, Tag, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { day } from "@/parts/format";
import { ProblemAlert } from "@/parts/problem";
import { WideTable } from "@/parts/wide-table";
import { changes } from "./changes";
import { useDomain } from "./domain";
import { SettingsForm } from "./settings-form";
import { Warnings } from "./warnings";

type Certificate = Schemas["Certificate"];

interface Values {
  certificates: string[];
}

// Whether clients take it for this domain (RFC 6125: a wildcard stands for one label).
function covers(certificate: Certificate, domain: string): boolean {
  return certificate.dns_names.some((name) => {
    if (name.toLowerCase() === domain.toLowerCase()) return true;
    if (!name.startsWith("*.")) return false;
    const rest = domain.startsWith(".") ? domain : domain.slice(domain.indexOf("."));
    return rest.toLowerCase() === name.slice(1).toLowerCase();
  });
}

function Expiry({ certificate }: { certificate: Certificate }) {
  const { t } = useTranslation("configure");
  const days = certificate.expires_in_days;
  const bad = days < 0 ? "error" : days <= 30 ? "warning" : "success";
  return (
    <>
      {day(certificate.not_after)}{" "}
      <Tag
        color={bad}
        icon={bad === "success" ? <CheckCircleOutlined aria-hidden /> : <ExclamationCircleOutlined aria-hidden />}
      >
        {days < 0 ? t("https.expired") : t("https.days-left", { count: days })}
      </Tag>
    </>
  );
}

export default function Https() {
  const { t } = useTranslation("configure");
  const { data, name } = useDomain();
  const query = useQuery({
    queryKey: ["certificates", "of-account", data.account_id],
    queryFn: ({ signal }) =>
      got(api.GET("/v1/certificates", { params: { query: { account_id: data.account_id, limit: 500 } }, signal })),
  });
  const all = query.data?.items ?? [];
  const bound = all.filter((certificate) => data.certificates.includes(certificate.name));
  const label = (certificate: Certificate) =>
    t(certificate.expires_in_days < 0 ? "https.option-expired" : "https.option", {
      name: certificate.name,
      key: certificate.key_type,
      date: day(certificate.not_after),
    });
  return (
    <>
      <Typography.Paragraph type="secondary">{t("https.about")}</Typography.Paragraph>
      <Warnings warnings={data.warnings.filter((w) => w.pointer.includes("certificates"))} />
      <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      <Card style={{ marginBottom: 16 }}>
        <WideTable<Certificate>
          aria-label={t("tabs.https")}
          rowKey="id"
          size="middle"
          loading={query.isPending}
          pagination={false}
          dataSource={bound}
          width={720}
          locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("https.none")} /> }}
          columns={[
            { title: t("https.name"), dataIndex: "name", width: 180 },
            {
              title: t("https.names"),
              dataIndex: "dns_names",
              render: (names: string[], row) => (
                <>
                  {names.join(", ")}
                  {!covers(row, name) && (
                    <div>
                      <Tag color="warning" icon={<ExclamationCircleOutlined aria-hidden />}>
                        {t("https.not-covered")}
                      </Tag>
                    </div>
                  )}
                </>
              ),
            },
            { title: t("https.key"), dataIndex: "key_type", width: 130 },
            { title: t("https.until"), key: "until", width: 240, render: (_, row) => <Expiry certificate={row} /> },
          ]}
        />
      </Card>
      <Card>
        <SettingsForm<Values>
          name="https"
          read={(domain) => ({ certificates: domain.certificates })}
          patch={(before, after) => changes(before, { ...after })}
        >
          <Form.Item name="certificates" label={t("https.choose")} extra={t("https.choose-about")}>
            <Select
              mode="multiple"
              maxCount={16}
              loading={query.isPending}
              showSearch={{ optionFilterProp: "label" }}
              placeholder={t("https.placeholder")}
              notFoundContent={t("https.nothing")}
              options={all.map((certificate) => ({ value: certificate.name, label: label(certificate) }))}
              style={{ maxWidth: 640 }}
            />
          </Form.Item>
          <Link to="/certificates">{t("https.upload")}</Link>
        </SettingsForm>
      </Card>
    </>
  );
}
