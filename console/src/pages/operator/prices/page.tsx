// The price book: prices by the day they begin, and resource packs that are on offer.

import { Tabs } from "antd";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Page } from "@/parts/page";
import { Books } from "./books";
import { Products } from "./products";

export default function Prices() {
  const { t } = useTranslation("operator");
  const [params, setParams] = useSearchParams();
  return (
    <Page title={t("prices.title")} about={t("prices.about")}>
      <Tabs
        activeKey={params.get("tab") === "packs" ? "packs" : "books"}
        onChange={(key) => setParams(key === "packs" ? { tab: key } : {}, { replace: true })}
        items={[
          { key: "books", label: t("prices.books"), children: <Books /> },
          { key: "packs", label: t("packs.title"), children: <Products /> },
        ]}
      />
    </Page>
  );
}
