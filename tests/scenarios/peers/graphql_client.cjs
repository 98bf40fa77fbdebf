// graphql-ws as client: graphql_client.cjs URL.
'use strict';
const assert = require('node:assert');
const WebSocket = require('ws');
const { createClient } = require('graphql-ws');

const client = () => createClient({ url: process.argv[2], webSocketImpl: WebSocket, retryAttempts: 0, lazy: false });
const run = (c, query, variables) => new Promise((resolve, reject) => {
  const results = [];
  c.subscribe({ query, variables }, { next: (r) => results.push(r), error: reject, complete: () => resolve(results) });
});

async function main() {
  const a = client();
  const b = client();
  assert.deepStrictEqual(await run(a, 'query($n: String!) { hello(name: $n) }', { n: 'Ada' }), [{ data: { hello: 'hello Ada' } }]);
  const counted = await run(a, 'subscription { count(to: 500) }');
  assert.deepStrictEqual(counted.map((r) => r.data.count), Array.from({ length: 500 }, (_, i) => i + 1));
  // Until the subscription is in place nobody hears: say it again until it was heard.
  const heard = new Promise((resolve, reject) => b.subscribe({ query: 'subscription { said }' },
    { next: (r) => resolve(r.data.said), error: reject, complete: () => reject(new Error('over')) }));
  let known = false;
  heard.then(() => (known = true));
  while (!known) await run(a, 'mutation { say(text: "over the edge") }');
  assert.strictEqual(await heard, 'over the edge');
  await Promise.all([a.dispose(), b.dispose()]);
}

main().then(
  () => {
    console.log(JSON.stringify({ ok: true }));
    process.exit(0);
  },
  (e) => {
    console.error(e);
    process.exit(1);
  });
