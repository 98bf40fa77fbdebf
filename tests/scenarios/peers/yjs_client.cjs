// Two y-websocket clients edit one document at the same time and converge: yjs_client.cjs URL.
'use strict';
const assert = require('node:assert');
const WebSocket = require('ws');
const Y = require('yjs');
const { WebsocketProvider } = require('y-websocket');

function join() {
  const doc = new Y.Doc();
  const provider = new WebsocketProvider(process.argv[2], 'room', doc, { WebSocketPolyfill: WebSocket, disableBc: true });
  return { doc, provider, text: doc.getText('text'), map: doc.getMap('map') };
}
const synced = (p) => p.provider.synced || new Promise((r) => p.provider.once('sync', r));
const until = (docs, condition) => new Promise((resolve) => {
  const look = () => condition() && resolve();
  for (const d of docs) d.doc.on('update', look);
  look();
});

async function main() {
  const [a, b] = [join(), join()];
  await Promise.all([synced(a), synced(b)]);
  for (let i = 0; i < 300; i++) {
    a.text.insert(Math.floor(a.text.length / 2), `a${i} `);
    b.text.insert(0, `b${i} `);
    a.map.set(`k${i % 10}`, `a${i}`);
    b.map.set(`k${i % 10}`, `b${i}`);
    if (i % 50 === 0) await new Promise(setImmediate);
  }
  const length = 2 * Array.from({ length: 300 }, (_, i) => `a${i} `.length).reduce((x, y) => x + y);
  const same = () => a.text.length === length && a.text.toString() === b.text.toString()
    && JSON.stringify(a.map.toJSON()) === JSON.stringify(b.map.toJSON());
  await until([a, b], same);
  const c = join();
  await until([c], () => c.text.toString() === a.text.toString());
  const seen = until([a], () => a.provider.awareness.getStates().size >= 1);
  await seen;
  for (const p of [a, b, c]) p.provider.destroy();
  return a.text.toString().length;
}

main().then(
  (length) => {
    assert(length > 0);
    console.log(JSON.stringify({ length }));
    process.exit(0);
  },
  (e) => {
    console.error(e);
    process.exit(1);
  });
