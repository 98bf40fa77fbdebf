// What a domain needs before clients can use it, and the proof that it is its owner's.

import { Card, Flex, Skeleton, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Outcome } from "@/parts/outcome";
import { ProblemAlert } from "@/parts/problem";
import { useDomain } from "./domain";
import { Gates, useGates } from "./gates";
import { OwnershipProof } from "./ownership";

export default function GoingLive() {
  const { t } = useTranslation("configure");
  const { name, data } = useDomain();
  const gates = useGates(name);
  const wanted = gates.data?.live.some((gate) => gate.code === "domain_ownership");
  const ready = gates.data?.live.every((gate) => gate.met);
  return (
    <>
      {ready && data.state !== "online" && (
        <Outcome status="success" title={t("going-live.ready")} subTitle={t("going-live.ready-about")} />
      )}
      <ProblemAlert error={gates.error} onRetry={() => gates.refetch()} />
      {gates.isPending && <Skeleton active />}
      {gates.data && (
        <Flex gap="middle" wrap align="stretch">
          <Card
            title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("going-live.live")}</h2>}
            style={{ flex: "1 1 340px" }}
          >
            <Gates name={name} gates={gates.data.live} />
          </Card>
          <Card
            title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("going-live.websocket")}</h2>}
            style={{ flex: "1 1 340px" }}
          >
            {gates.data.websocket.length > 0 ? (
              <Gates name={name} gates={gates.data.websocket} />
            ) : (
              <Typography.Text type="secondary">{t("going-live.none")}</Typography.Text>
            )}
          </Card>
        </Flex>
      )}
      {wanted && (
        <Card
          id="ownership"
          title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("ownership.title")}</h2>}
          style={{ marginTop: 16 }}
        >
          <OwnershipProof name={name} />
        </Card>
      )}
    </>
  );
}
