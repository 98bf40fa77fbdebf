// The price book: prices by the day they begin, and resource packs that are on offer.

import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Page } from "@/parts/page";
import { Tabs } from "@/parts/tabs";
import { Books } from "./books";
import { Products } from "./products";

export default function Prices() {
  const { t } = useTranslation("operator");
  const [params, setParams] = useSearchParams();
  const tab = params.get("tab") === "packs" ? "packs" : "books";
  return (
    <Page title={t("prices.title")} about={t("prices.about")}>
      <Tabs
        label={t("prices.title")}
        active={tab}
        onChange={(key) => setParams(key === "packs" ? { tab: key } : {}, { replace: true })}
        items={[
          { key: "books", label: t("prices.books") },
          { key: "packs", label: t("packs.title") },
        ]}
      >
        {tab === "books" ? <Books /> : <Products />}
      </Tabs>
    </Page>
  );
}
