// How charts look: colours are the theme's, so dark and light follow it.

import { type GlobalToken, theme } from "antd";
import { useMemo } from "react";

export interface Look {
  palette: string[];
  text: string;
  faint: string;
  line: string;
  gap: string;
  background: string;
  elevated: string;
  border: string;
  font: string;
}

// The seventh of each of Ant Design's palettes has 3 to 1 on its backgrounds, dark and light.
function lookOf(token: GlobalToken): Look {
  return {
    palette: [
      token.colorPrimary,
      token.orange7,
      token.green7,
      token.purple7,
      token.magenta7,
      token.cyan7,
      token.red7,
      token.gold7,
      token.geekblue7,
      token.volcano7,
      token.lime7,
      token.pink7,
    ],
    text: token.colorText,
    faint: token.colorTextTertiary,
    line: token.colorBorderSecondary,
    gap: token.colorFillSecondary,
    background: token.colorBgContainer,
    elevated: token.colorBgElevated,
    border: token.colorBorder,
    font: token.fontFamily,
  };
}

export function useLook(): Look {
  const { token } = theme.useToken();
  return useMemo(() => lookOf(token), [token]);
}

export const colorAt = (look: Look, i: number) => look.palette[i % look.palette.length] ?? look.text;

const symbols = ["circle", "rect", "triangle", "diamond", "emptyCircle", "emptyRect", "emptyTriangle", "emptyDiamond"];
export const symbolAt = (i: number) => symbols[i % symbols.length] ?? "circle";
