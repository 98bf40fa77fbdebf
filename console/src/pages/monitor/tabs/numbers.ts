// Figures of sessions as people read them.

import i18next from "i18next";

export const average = (n: number) => new Intl.NumberFormat(i18next.language, { maximumFractionDigits: 2 }).format(n);

export const milliseconds = (n: number) =>
  new Intl.NumberFormat(i18next.language, {
    style: "unit",
    unit: "millisecond",
    unitDisplay: "short",
    maximumFractionDigits: n < 10 ? 2 : 0,
  }).format(n);
