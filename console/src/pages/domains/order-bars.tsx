// A ≤ B ≤ C: how often the client speaks, how long the edge waits for it, how long the origin does. Drawn as three bars, which
// warn in words, with a sign and in colour when they are out of order (R5).

import { CheckCircleOutlined, WarningOutlined } from "@ant-design/icons";
import { Flex, Typography, theme } from "antd";
import { useTranslation } from "react-i18next";
import { durationMs } from "@/parts/format";
import { inWords } from "./units";

interface Props {
  client?: string; // A
  edge?: string; // B
  origin?: string; // C
}

export function OrderBars({ client, edge, origin }: Props) {
  const { t } = useTranslation("configure");
  const { token } = theme.useToken();
  const ms = (text?: string) => durationMs(text) ?? undefined;
  const [a, b, c] = [ms(client), ms(edge), ms(origin)];
  const most = Math.max(a ?? 0, b ?? 0, c ?? 0, 1);
  const longer = (one?: number, other?: number) => one !== undefined && other !== undefined && one > other;
  const wrong = {
    // With B unknown A is held against C.
    a: longer(a, b) || (b === undefined && longer(a, c)),
    b: longer(b, c),
    c: false,
  };
  const rows = [
    { key: "a", text: client, value: a, wrong: wrong.a },
    { key: "b", text: edge, value: b, wrong: wrong.b },
    { key: "c", text: origin, value: c, wrong: wrong.c },
  ] as const;
  const stated = rows.filter((row) => row.value !== undefined).length;
  const fine = !wrong.a && !wrong.b;
  return (
    <section aria-label={t("order.label")}>
      <Typography.Paragraph style={{ marginBottom: 8 }}>{t("order.about")}</Typography.Paragraph>
      <ul style={{ listStyle: "none", margin: 0, padding: 0 }}>
        {rows.map((row) => (
          <li key={row.key} style={{ marginBottom: 10 }}>
            <Flex justify="space-between" gap="small" wrap>
              <span>{t(`order.${row.key}`)}</span>
              <span>{row.value === undefined ? t("not-stated") : inWords(t, row.text)}</span>
            </Flex>
            <div aria-hidden style={{ height: 10, borderRadius: 5, background: token.colorFillSecondary }}>
              <div
                style={{
                  height: "100%",
                  borderRadius: 5,
                  // By the root, so that seconds are still seen beside hours; longer stays longer.
                  width: `${Math.sqrt((row.value ?? 0) / most) * 100}%`,
                  background: row.wrong ? token.colorWarning : token.colorPrimary,
                  transition: "width 0.15s",
                }}
              />
            </div>
          </li>
        ))}
      </ul>
      <div role="status">
        {wrong.a && (
          <Typography.Paragraph type="warning" style={{ marginBottom: 4 }}>
            <WarningOutlined aria-hidden /> {b === undefined ? t("order.a-over-c") : t("order.a-over-b")}
          </Typography.Paragraph>
        )}
        {wrong.b && (
          <Typography.Paragraph type="warning" style={{ marginBottom: 4 }}>
            <WarningOutlined aria-hidden /> {t("order.b-over-c")}
          </Typography.Paragraph>
        )}
        {fine && stated > 1 && (
          <Typography.Text type="success">
            <CheckCircleOutlined aria-hidden /> {t("order.fine")}
          </Typography.Text>
        )}
      </div>
    </section>
  );
}
