// What the API says of one field. It speaks English; other languages have words of their own for its codes, and the
// API's where there are none.

import i18next from "i18next";

interface Said {
  code: string;
  message: string;
  hint?: string;
}

export function saying({ code, message, hint }: Said): string {
  const words = i18next.language === "en" ? message : i18next.t(code, { ns: "api-words", defaultValue: message });
  return hint ? i18next.t("common:with-hint", { words, hint }) : words;
}
