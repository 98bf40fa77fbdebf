// npm ws as client: ws_client.cjs URL MODE [ARGUMENT]. Ends with status 0 and a line of JSON only if every hash agreed.
'use strict';
const crypto = require('node:crypto');
const assert = require('node:assert');
const WebSocket = require('ws');

const [url, mode, argument] = process.argv.slice(2);
const sha = (data) => crypto.createHash('sha256').update(data).digest('hex');

function open(path, settings = {}) {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url + path, { maxPayload: 80 << 20, perMessageDeflate: false, ...settings });
    ws.inbox = [];
    ws.takers = [];
    ws.on('message', (data, isBinary) => {
      const taker = ws.takers.shift();
      taker ? taker({ data, isBinary }) : ws.inbox.push({ data, isBinary });
    });
    ws.take = () => (ws.inbox.length ? Promise.resolve(ws.inbox.shift()) : new Promise((r) => ws.takers.push(r)));
    ws.on('open', () => resolve(ws));
    ws.on('error', reject);
    ws.on('close', (code, reason) => (ws.ended = { code, reason: String(reason) }));
  });
}

async function shut(ws) {
  ws.close(1000, 'done');
  if (!ws.ended) await new Promise((r) => ws.on('close', r));
  assert.strictEqual(ws.ended.code, 1000);
}

const modes = {
  // Messages of the given sizes, each echoed; binary and text.
  async sizes() {
    const ws = await open('/echo');
    for (const size of argument.split(',').map(Number)) {
      const data = crypto.randomBytes(size);
      ws.send(data);
      const back = await ws.take();
      assert(back.isBinary);
      assert.strictEqual(sha(back.data), sha(data), `${size} bytes`);
      if (size > 1 << 20) continue;
      const text = 'ä€😀x'.repeat(Math.ceil(size / 10)).slice(0, size);
      ws.send(text);
      const said = await ws.take();
      assert(!said.isBinary);
      assert.strictEqual(said.data.toString(), text);
    }
    await shut(ws);
  },
  // One message in many frames, with pings between them.
  async fragments() {
    const ws = await open('/echo');
    const pongs = [];
    ws.on('pong', (data) => pongs.push(String(data)));
    const whole = crypto.randomBytes(3 << 20);
    let at = 0;
    for (let i = 0; at < whole.length; i++) {
      const size = [1, 125, 126, 4096, 65535, 65536, 300000][i % 7];
      const part = whole.subarray(at, at + size);
      at += part.length;
      ws.send(part, { fin: at >= whole.length, binary: true });
      if (i % 5 === 0) ws.ping(`p${i}`);
    }
    assert.strictEqual(sha((await ws.take()).data), sha(whole));
    assert(pongs.length > 3 && pongs[0] === 'p0', String(pongs));
    await shut(ws);
  },
  // permessage-deflate is agreed end to end and every message comes back.
  async deflate() {
    const ws = await open('/echo', { perMessageDeflate: { threshold: 0 } });
    assert.match(ws.extensions, /permessage-deflate/);
    for (let i = 0; i < 200; i++) {
      const text = JSON.stringify({ i, words: 'the same words again '.repeat(i) });
      ws.send(text);
      assert.strictEqual(String((await ws.take()).data), text);
    }
    const big = crypto.randomBytes(1 << 20);
    ws.send(big);
    assert.strictEqual(sha((await ws.take()).data), sha(big));
    await shut(ws);
  },
  // Both directions at once, argument COUNTxSIZE each way.
  async duplex() {
    const [count, size] = argument.split('x').map(Number);
    const ws = await open(`/duplex?count=${count}&size=${size}`);
    const sent = crypto.createHash('sha256');
    const got = crypto.createHash('sha256');
    let received = 0;
    let verdict;
    const over = new Promise((resolve) => {
      ws.removeAllListeners('message');
      let claim;
      const look = () => claim && verdict && resolve(claim);
      const take = (data, isBinary) => {
        if (isBinary) {
          received += data.length;
          got.update(data);
          return;
        }
        const text = JSON.parse(data);
        if (text.sent) claim = text.sent;
        else verdict = text;
        look();
      };
      for (const early of ws.inbox) take(early.data, early.isBinary);
      ws.on('message', take);
    });
    for (let i = 0; i < count; i++) {
      const data = crypto.randomBytes(size);
      sent.update(data);
      await new Promise((resolve, reject) => ws.send(data, (e) => (e ? reject(e) : resolve())));
    }
    ws.send(JSON.stringify({ sent: sent.digest('hex') }));
    const claim = await over;
    assert.strictEqual(received, count * size);
    assert.strictEqual(verdict.received, count * size);
    assert(verdict.ok, 'what the origin got is not what was sent');
    assert.strictEqual(got.digest('hex'), claim, 'what the client got is not what was sent');
    await shut(ws);
  },
  // Many sessions at once, each with its own conversation.
  async many() {
    const sessions = await Promise.all(Array.from({ length: Number(argument) }, () => open('/echo')));
    await Promise.all(sessions.map(async (ws, n) => {
      for (let i = 0; i < 20; i++) {
        ws.send(`${n}:${i}`);
        assert.strictEqual(String((await ws.take()).data), `${n}:${i}`);
      }
    }));
    await Promise.all(sessions.map(shut));
  },
};

modes[mode]().then(
  () => {
    console.log(JSON.stringify({ ok: true }));
    process.exit(0);
  },
  (e) => {
    console.error(e);
    process.exit(1);
  });
