// Money as people type it, "0.24", and as the API has it, 240000 millionths; exact both ways, without floating point.

export function toMicro(text: string): number {
  const [whole = "0", fraction = ""] = text.split(".");
  return Number(BigInt(whole || "0") * 1_000_000n + BigInt(fraction.padEnd(6, "0").slice(0, 6)));
}

export function fromMicro(micro: number): string {
  const n = BigInt(micro);
  const fraction = (n % 1_000_000n).toString().padStart(6, "0").replace(/0+$/, "");
  return fraction ? `${n / 1_000_000n}.${fraction}` : `${n / 1_000_000n}`;
}

export const isAmount = (text: string) => /^\d{1,9}(\.\d{1,6})?$/.test(text);

// What prices and tiers of traffic are for.
export const units = [
  { value: 1_000_000_000, name: "GB" },
  { value: 1_000_000_000_000, name: "TB" },
  { value: 1_073_741_824, name: "GiB" },
];

export function unitName(bytes: number): string {
  return units.find((unit) => unit.value === bytes)?.name ?? `${bytes} B`;
}
