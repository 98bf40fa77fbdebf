// What the component library writes style elements with, the page's nonce its default (vite.config.ts).

import { updateCSS as update } from "@rc-component/util/es/Dom/dynamicCSS";
import { nonce } from "./nonce";

export { clearContainerCache, injectCSS, removeCSS } from "@rc-component/util/es/Dom/dynamicCSS";

export const updateCSS: typeof update = (css, key, option = {}) =>
  update(css, key, { ...option, csp: option.csp ?? { nonce } });
