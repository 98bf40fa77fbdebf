// What an answer says about itself where it is not quite what was asked for: another interval, a part that is gone, the
// interval that is under way.

import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import { useZone } from "./account-zone";
import type { Head } from "./data";
import { between, moment } from "./zone";

interface Props {
  head: Head;
  asked?: number; // the interval
}

export function Notes({ head, asked }: Props) {
  const { t } = useTranslation("monitor");
  const zone = useZone();
  if (head.notes.length === 0) return null;
  const start = Date.parse(head.start_time);
  const end = Date.parse(head.end_time);
  const words = {
    taken: t(`intervals.${head.interval}`),
    asked: asked ? t("intervals.other", { count: asked }) : "",
    range: between(start, end, zone),
    since: moment(Date.parse(head.data_since), zone),
    end: moment(end, zone),
  };
  const codes = [...new Set(head.notes.map((note) => note.code))];
  const text = (code: string) =>
    t(`notes.${code}`, { ...words, defaultValue: head.notes.find((note) => note.code === code)?.message ?? "" });
  // That the last interval still grows is how it always is; the others are about what was asked for.
  const grave = codes.some((code) => code !== "running" && code !== "rounded");
  return (
    <Alert
      type={grave ? "warning" : "info"}
      showIcon
      role="status"
      style={{ marginBottom: 16 }}
      title={
        codes.length === 1 ? (
          text(codes[0] ?? "")
        ) : (
          <ul style={{ margin: 0, paddingInlineStart: 20 }}>
            {codes.map((code) => (
              <li key={code}>{text(code)}</li>
            ))}
          </ul>
        )
      }
    />
  );
}
