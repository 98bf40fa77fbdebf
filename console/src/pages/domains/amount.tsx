// A number with its unit, as a field of a form; its value is the text that the API has ("60s", "60MiB", "off").

import { type GetRef, InputNumber, Select, Space } from "antd";
import { type AriaAttributes, type Ref, useState } from "react";
import { useTranslation } from "react-i18next";
import { durations, type Quantity, quantityOf, textOf, type Unit } from "./units";

interface Props extends AriaAttributes {
  id?: string;
  ref?: Ref<GetRef<typeof InputNumber>>;
  value?: string | number;
  onChange?: (text: string | undefined) => void;
  units?: Unit[];
  off?: boolean; // whether it can be off
  disabled?: boolean;
}

export function Amount({ id, ref, value, onChange, units = durations, off, disabled, ...aria }: Props) {
  const { t } = useTranslation("configure");
  // The unit stays what was chosen: 60 s does not become a minute while one types.
  const [kept, setKept] = useState<Quantity & { text?: string | number }>(() => ({
    text: value,
    ...quantityOf(value, units),
  }));
  const shown = kept.text === value ? kept : { text: value, ...quantityOf(value, units) };
  const tell = (n: number | null, unit: string) => {
    const text = textOf({ n, unit });
    setKept({ text, n, unit });
    onChange?.(text);
  };
  const words = units.map((u) => ({ value: u.word, label: t(`unit.${u.word || "B"}`) }));
  return (
    <Space.Compact style={{ width: "100%", maxWidth: 280 }}>
      <InputNumber
        {...aria}
        id={id}
        ref={ref}
        value={shown.unit === "off" ? null : shown.n}
        disabled={disabled || shown.unit === "off" || undefined}
        min={0}
        precision={0}
        onChange={(n) => tell(typeof n === "number" ? n : null, shown.unit)}
        style={{ flex: 1 }}
      />
      <Select
        aria-label={t("unit.label")}
        value={shown.unit}
        disabled={disabled}
        onChange={(unit) => tell(shown.n, unit)}
        options={off ? [...words, { value: "off", label: t("off") }] : words}
        style={{ width: 112 }}
      />
    </Space.Compact>
  );
}
