// Light or dark, as the system says unless the user chose; the words of Ant Design's own parts in the user's language.

import { LoadingOutlined } from "@ant-design/icons";
import { App, ConfigProvider, theme } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { nonce } from "./nonce";

export type Scheme = "system" | "light" | "dark";

const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

interface Choice {
  scheme: Scheme;
  dark: boolean;
  choose: (scheme: Scheme) => void;
}
const ChoiceContext = createContext<Choice>({ scheme: "system", dark: false, choose: () => {} });

export function useAppearance() {
  return useContext(ChoiceContext);
}

export function Appearance({ children }: { children: ReactNode }) {
  const { i18n } = useTranslation();
  const [scheme, setScheme] = useState<Scheme>(() => {
    const kept = localStorage.getItem("fairlead-scheme");
    return kept === "light" || kept === "dark" ? kept : "system";
  });
  const [system, setSystem] = useState(systemDark.matches);
  useEffect(() => {
    const changed = (event: MediaQueryListEvent) => setSystem(event.matches);
    systemDark.addEventListener("change", changed);
    return () => systemDark.removeEventListener("change", changed);
  }, []);
  const dark = scheme === "dark" || (scheme === "system" && system);
  useEffect(() => {
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
  }, [dark]);

  const choice = useMemo<Choice>(
    () => ({
      scheme,
      dark,
      choose: (next) => {
        localStorage.setItem("fairlead-scheme", next);
        setScheme(next);
      },
    }),
    [scheme, dark],
  );
  return (
    <ChoiceContext value={choice}>
      <ConfigProvider
        csp={{ nonce }}
        // A name of two characters stays one word, and is the name while it loads, too.
        button={{ autoInsertSpace: false, loadingIcon: <LoadingOutlined aria-hidden /> }}
        locale={i18n.language === "zh-CN" ? zhCN : enUS}
        theme={{
          algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
          token: {
            colorPrimary: dark ? "#3d9be9" : "#0b5fa5",
            colorLink: dark ? "#6db7f2" : "#0b5fa5",
            // WCAG 2.2 AA: 4.5 to 1 on their backgrounds.
            colorTextTertiary: dark ? "rgba(255,255,255,0.65)" : "rgba(0,0,0,0.62)",
            colorTextDescription: dark ? "rgba(255,255,255,0.68)" : "rgba(0,0,0,0.62)",
            colorTextPlaceholder: dark ? "rgba(255,255,255,0.62)" : "rgba(0,0,0,0.58)",
            colorError: dark ? "#ff7875" : "#c4231f",
            colorSuccess: dark ? "#6ac53f" : "#2b7a0b",
            colorWarning: dark ? "#f0b429" : "#9a5b00",
            colorInfo: dark ? "#6db7f2" : "#0b5fa5",
            colorSuccessBg: dark ? "#16240f" : "#eef7ea",
            colorWarningBg: dark ? "#2b2111" : "#fdf3e1",
            colorErrorBg: dark ? "#2c1618" : "#fdeeed",
            colorInfoBg: dark ? "#111f2c" : "#e9f3fb",
            colorLinkHover: dark ? "#8ec7f5" : "#084a82",
            linkDecoration: "none",
            borderRadius: 6,
            motion: !calm,
          },
          components: dark
            ? {
                Button: { colorPrimary: "#1668ad", colorPrimaryHover: "#1f79c4", colorPrimaryActive: "#125a96" },
                Menu: { itemSelectedColor: "#9fd0f8" },
              }
            : {},
        }}
      >
        <App>{children}</App>
      </ConfigProvider>
    </ChoiceContext>
  );
}
