// A whole number whose being empty is "off": a port that is not served, a limit that is none.

import { type GetRef, InputNumber } from "antd";
import type { AriaAttributes, Ref } from "react";

interface Props extends AriaAttributes {
  id?: string;
  ref?: Ref<GetRef<typeof InputNumber>>;
  value?: number | string;
  onChange?: (value: number | "off") => void;
  max: number;
  placeholder: string;
}

export function OffNumber({ value, onChange, max, ...rest }: Props) {
  return (
    <InputNumber
      {...rest}
      value={value === "off" || value === undefined ? null : Number(value)}
      min={1}
      max={max}
      precision={0}
      onChange={(n) => onChange?.(typeof n === "number" ? n : "off")}
      style={{ width: "100%" }}
    />
  );
}
