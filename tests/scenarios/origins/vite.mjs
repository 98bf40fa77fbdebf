// Vite's development server for the folder --root: pages, modules, and hot updates over a WebSocket.
import { createRequire } from 'node:module';
import { createServer } from 'vite';

const { options, endWithParent } = createRequire(import.meta.url)('./serve.cjs');
const opts = options();
const server = await createServer({
  root: opts.root,
  configFile: false,
  logLevel: 'silent',
  cacheDir: `${opts.root}/.vite`,
  optimizeDeps: { noDiscovery: true },
  // No clientPort: the page's own address leads back through the edge.
  server: { host: '127.0.0.1', port: Number(opts.port), strictPort: true, allowedHosts: ['.test'], watch: { usePolling: true, interval: 50 } },
});
await server.listen();
console.log(JSON.stringify({ port: server.config.server.port }));
endWithParent();
