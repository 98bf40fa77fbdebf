// A box that what is wider than the page scrolls in, with the keyboard too.

import type { ReactNode } from "react";

export function ScrollBox({ label, width, children }: { label: string; width: number; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it with the arrow keys
    <section aria-label={label} tabIndex={0} style={{ overflowX: "auto" }}>
      <div style={{ minWidth: width }}>{children}</div>
    </section>
  );
}
