// What a domain needs before it goes live, and before its WebSocket settings can be used: each with what to do.

import { CheckCircleOutlined, ExclamationCircleOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Flex, Typography, theme } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schemas } from "@/api/client";
import { got } from "@/api/problem";
import { partKey } from "./domain";

type Gate = Schemas["Gate"];

export function useGates(name: string) {
  return useQuery({
    queryKey: partKey(name, "gates"),
    queryFn: ({ signal }) => got(api.GET("/v1/domains/{domain}/gates", { params: { path: { domain: name } }, signal })),
  });
}

// Where it can be mended; absent: somebody else does.
const places: Partial<Record<Gate["code"], (name: string) => string>> = {
  domain_ownership: (name) => `/domains/${name}/going-live#ownership`,
  icp_number: (name) => `/domains/${name}/basics`,
  settings_valid: (name) => `/domains/${name}/origins`,
  whole_site_acceleration: (name) => `/domains/${name}/basics`,
  activation: () => "/activation",
  architecture_change: () => "/activation",
  billing_method: () => "/billing",
};

export function Gates({ name, gates }: { name: string; gates: Gate[] }) {
  const { t } = useTranslation("configure");
  const { token } = theme.useToken();
  return (
    <ul style={{ listStyle: "none", margin: 0, padding: 0 }}>
      {gates.map((gate) => {
        const place = places[gate.code]?.(encodeURIComponent(name));
        return (
          <li key={gate.code} style={{ padding: "8px 0" }}>
            <Flex gap="small" align="flex-start">
              {gate.met ? (
                <CheckCircleOutlined aria-label={t("gate.met")} style={{ color: token.colorSuccess, marginTop: 4 }} />
              ) : (
                <ExclamationCircleOutlined
                  aria-label={t("gate.unmet")}
                  style={{ color: token.colorWarning, marginTop: 4 }}
                />
              )}
              <div>
                <div>{t(`gate.${gate.code}.${gate.met ? "met" : "unmet"}`)}</div>
                {!gate.met && (
                  <Typography.Text type="secondary">
                    {gate.code === "settings_valid" && <>{gate.message}. </>}
                    {place ? <Link to={place}>{t(`gate.${gate.code}.hint`)}</Link> : t(`gate.${gate.code}.hint`)}
                  </Typography.Text>
                )}
              </div>
            </Flex>
          </li>
        );
      })}
    </ul>
  );
}
