import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// What the first page needs of the components, and every further one, with all that they are made of, is one file that
// changes with the dependencies alone. Components that few pages have stay with those pages.
const COMPONENTS =
  "alert app button card checkbox config-provider dropdown empty flex form grid input layout menu modal select skeleton space switch table tag theme tooltip typography";
const KIT = new RegExp(
  `^(antd/es/(${COMPONENTS.replaceAll(" ", "|")})/|(react|react-dom|scheduler|react-router|i18next|react-i18next|openapi-fetch)/|@tanstack/)`,
);

// Parts of a component that we never ask for, and that it would bring along: a table's filter that is a tree, tabs in the
// head of a card.
const unused = new Set(["table/hooks/useFilter/FilterDropdown.js ../../../tree", "card/Card.js ../tabs"]);
const leaveOut: Plugin = {
  name: "leave-out",
  enforce: "pre",
  resolveId: (source, importer) =>
    unused.has(`${importer?.split("/node_modules/antd/es/")[1]} ${source}`) ? "\0unused" : undefined,
  load: (id) => (id === "\0unused" ? "export default () => null;" : undefined),
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
