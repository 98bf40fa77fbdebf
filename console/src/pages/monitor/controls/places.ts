// Regions as people call them. Those of ISO 3166-1 have a name in every language; others are said as they are.

import i18next from "i18next";

const names = new Map<string, Intl.DisplayNames>();

export const unknownPlace = "unknown";

export function regionName(code: string): string {
  const [country = ""] = code.split("-");
  if (!/^[A-Z]{2}$/.test(country)) return code;
  let of = names.get(i18next.language);
  if (!of) {
    of = new Intl.DisplayNames(i18next.language, { type: "region" });
    names.set(i18next.language, of);
  }
  const name = of.of(country);
  return name && name !== country ? `${name} · ${code}` : code;
}
