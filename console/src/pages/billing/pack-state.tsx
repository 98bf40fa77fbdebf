// The state of a resource pack, by colour, sign and word.

import {
  CheckCircleOutlined,
  ClockCircleOutlined,
  CloseCircleOutlined,
  MinusCircleOutlined,
  PauseCircleOutlined,
} from "@ant-design/icons";
import { Tag } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";

type State = Schemas["ResourcePack"]["state"];

const looks = {
  active: { color: "success", icon: <CheckCircleOutlined aria-hidden /> },
  frozen: { color: "processing", icon: <PauseCircleOutlined aria-hidden /> },
  used_up: { color: "default", icon: <MinusCircleOutlined aria-hidden /> },
  expired: { color: "default", icon: <ClockCircleOutlined aria-hidden /> },
  cancelled: { color: "default", icon: <CloseCircleOutlined aria-hidden /> },
} as const;

export function PackState({ state }: { state: State }) {
  const { t } = useTranslation("billing");
  return (
    <Tag color={looks[state].color} icon={looks[state].icon}>
      {t(`packs.states.${state}`)}
    </Tag>
  );
}
