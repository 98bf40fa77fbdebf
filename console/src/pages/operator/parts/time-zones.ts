// The time zones this browser knows by name. UTC is none of a place and goes first.

export const timeZones: { value: string; label: string }[] = [
  "UTC",
  ...Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC"),
].map((value) => ({ value, label: value }));
