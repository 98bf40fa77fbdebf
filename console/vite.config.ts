import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// What the first page needs of the components, and every further one, with all that they are made of, is one file that
// changes with the dependencies alone. Components that few pages have stay with those pages.
const COMPONENTS =
  "alert app button card checkbox config-provider dropdown empty flex form grid input layout menu modal select skeleton space switch table tag theme tooltip typography";
// A file for one icon costs more than the icon.
const ICONS = "Plus|Reload|Download";
const KIT = new RegExp(
  `^(antd/es/(${COMPONENTS.replaceAll(" ", "|")})/|(react|react-dom|scheduler|react-router|i18next|react-i18next|openapi-fetch)/|@tanstack/|@ant-design/icons.*/(${ICONS})Outlined)`,
);

// Parts of a component that we never ask for, and that it would bring along: a table's filters and the choosing of its rows,
// tabs in the head of a card, messages in a corner. By who imports what: what is there instead.
const SELECTION = `const whole = (columns) => columns;
const chosen = [whole, new Set()];
export default () => chosen;
export const SELECTION_COLUMN = {}, SELECTION_ALL = "", SELECTION_INVERT = "", SELECTION_NONE = "";`;
const instead: Record<string, string> = {
  "table/hooks/useFilter/index.js ./FilterDropdown": "export default () => null; export const flattenKeys = () => [];",
  "table/InternalTable.js ./hooks/useSelection": SELECTION,
  "table/Table.js ./hooks/useSelection": SELECTION,
  "app/App.js ../notification/useNotification": "const none = [{}, null]; export default () => none;",
  "card/Card.js ../tabs": "export default () => null;",
};
const leaveOut: Plugin = {
  name: "leave-out",
  enforce: "pre",
  resolveId: (source, importer) => {
    const asked = `${importer?.split("/node_modules/antd/es/")[1]} ${source}`;
    return asked in instead ? `\0instead ${asked}` : undefined;
  },
  load: (id) => (id.startsWith("\0instead ") ? instead[id.slice(9)] : undefined),
};

// Some components write style elements without the nonce that the page's policy asks for (a lock on scrolling, the measure
// of a scroll bar): all of them do it through one module, which gets the nonce as its default.
const OWN = new URL("./src/shell/style-elements.ts", import.meta.url).pathname;
const withNonce: Plugin = {
  name: "with-nonce",
  enforce: "pre",
  resolveId: (source, importer) => (/\/dynamicCSS$/.test(source) && importer !== OWN ? OWN : undefined),
};

// `npm run dev` beside a running `fairlead run`: the API is asked there.
export default defineConfig({
  plugins: [leaveOut, withNonce, react()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: {
    target: "es2022",
    outDir: "../build/console",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        manualChunks: (id) => {
          const [, library] = /node_modules\/(?!.*node_modules\/)(.*)/.exec(id) ?? [];
          if (!library) return undefined;
          if (/^(echarts|zrender)\//.test(library)) return "charts";
          return KIT.test(library) ? "kit" : undefined;
        },
      },
    },
  },
  server: { proxy: { "/v1": "http://127.0.0.1:9180" } },
});
