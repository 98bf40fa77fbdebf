// Every text a person sees, in two languages. A namespace is a page or a group of pages and is loaded with them; `common`
// and `shell` come with the first load.

import i18next, { type BackendModule } from "i18next";
import { initReactI18next } from "react-i18next";

export const languages = ["en", "zh-CN"] as const;
export type Language = (typeof languages)[number];

const texts = import.meta.glob<{ default: Record<string, unknown> }>("./*/*.json");

const files: BackendModule = {
  type: "backend",
  init() {},
  read(language, namespace, done) {
    const load = texts[`./${language}/${namespace}.json`];
    if (namespace === "api-words" && language === "en") return done(null, {});
    if (!load) return done(new Error(`no texts ${language}/${namespace}`), null);
    load().then(
      (module) => done(null, module.default),
      (error) => done(error, null),
    );
  },
};

const kept = localStorage.getItem("fairlead-language");
const wanted: Language =
  kept === "en" || kept === "zh-CN" ? kept : navigator.language.toLowerCase().startsWith("zh") ? "zh-CN" : "en";

export const i18nReady = i18next
  .use(files)
  .use(initReactI18next)
  .init({
    lng: wanted,
    fallbackLng: false, // each language has every text (tests/scenarios/test_console_words.py)
    supportedLngs: languages,
    ns: ["common", "shell"],
    defaultNS: "common",
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
  });

// Nobody waits for the words of what the API says: saying.ts has the API's own until they are there.
function speak(language: string) {
  document.documentElement.lang = language;
  if (language !== "en") void i18next.loadNamespaces("api-words");
}
i18next.on("languageChanged", speak);
void i18nReady.then(() => speak(wanted));
document.documentElement.lang = wanted;

export async function setLanguage(language: Language) {
  localStorage.setItem("fairlead-language", language);
  await i18next.changeLanguage(language);
}
