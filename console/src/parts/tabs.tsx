// Tabs of one page: what is shown changes, the address only as the page says. The row scrolls where it is too narrow.

import { theme } from "antd";
import { type KeyboardEvent, type ReactNode, useId } from "react";

interface Props<K extends string> {
  label: string;
  items: { key: K; label: string }[];
  active: K;
  onChange: (key: K) => void;
  children: ReactNode; // of the active one
}

export function Tabs<K extends string>({ label, items, active, onChange, children }: Props<K>) {
  const { token } = theme.useToken();
  const id = useId();
  // WAI-ARIA's pattern: one stop of the Tab key, arrows go on from there.
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const at = items.findIndex((item) => item.key === active);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    const next = to === undefined ? undefined : items[to % items.length];
    if (!next) return;
    event.preventDefault();
    onChange(next.key);
    document.getElementById(`${id}-${next.key}`)?.focus();
  };
  return (
    <>
      <div
        role="tablist"
        aria-label={label}
        onKeyDown={move}
        style={{
          display: "flex",
          gap: 4,
          overflowX: "auto",
          marginBottom: 20,
          borderBottom: `1px solid ${token.colorBorderSecondary}`,
        }}
      >
        {items.map((item) => {
          const on = item.key === active;
          return (
            <button
              key={item.key}
              id={`${id}-${item.key}`}
              type="button"
              role="tab"
              aria-selected={on}
              aria-controls={`${id}-panel`}
              tabIndex={on ? 0 : -1}
              onClick={() => onChange(item.key)}
              style={{
                padding: "10px 14px",
                font: "inherit",
                fontWeight: on ? 600 : 400,
                whiteSpace: "nowrap",
                cursor: "pointer",
                color: on ? token.colorLink : token.colorText,
                background: "none",
                border: 0,
                borderBottom: `2px solid ${on ? token.colorLink : "transparent"}`,
              }}
            >
              {item.label}
            </button>
          );
        })}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${active}`}>
        {children}
      </div>
    </>
  );
}
