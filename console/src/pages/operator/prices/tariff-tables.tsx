// The tariffs of a price book with their tiers, to read.

import { Card, Flex, Table, Typography } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { count, money } from "@/parts/format";
import { unitName } from "./micro";

type Tariff = Schemas["Tariff"];

export function TariffTables({ book }: { book: Schemas["PriceBook"] }) {
  return (
    <Flex gap="middle" wrap>
      {(["traffic", "bandwidth"] as const).flatMap((method) =>
        (["day", "month"] as const).map((period) => (
          <One
            key={`${method}-${period}`}
            name={`${method}-${period}` as const}
            tariff={book[method][period]}
            unit={method === "traffic" ? unitName(book.unit_bytes) : "Mbit/s"}
            currency={book.currency}
          />
        )),
      )}
    </Flex>
  );
}

interface Props {
  name: `${"traffic" | "bandwidth"}-${"day" | "month"}`;
  tariff: Tariff | undefined;
  unit: string;
  currency: string;
}

function One({ name, tariff, unit, currency }: Props) {
  const { t } = useTranslation("operator");
  return (
    <Card size="small" title={t(`prices.tariffs.${name}`)} style={{ flex: "1 1 260px" }}>
      {tariff ? (
        <>
          <Typography.Paragraph type="secondary">{t(`prices.modes.${tariff.mode}`)}</Typography.Paragraph>
          <Table
            size="small"
            pagination={false}
            rowKey="tier"
            dataSource={tariff.tiers.map((tier, i) => ({ tier: i + 1, ...tier }))}
            columns={[
              {
                title: t("prices.up-to-unit", { unit }),
                dataIndex: "up_to",
                render: (upTo?: number | null) => (upTo ? count(upTo) : t("prices.no-end")),
              },
              {
                title: t("prices.price-unit", { unit }),
                dataIndex: "price",
                align: "right",
                render: (price: number) => (price === 0 ? t("prices.free") : money(price, currency)),
              },
            ]}
          />
        </>
      ) : (
        <Typography.Text type="secondary">{t("prices.not-offered")}</Typography.Text>
      )}
    </Card>
  );
}
