// socket.io as client: socketio_client.cjs URL CLIENTS. Each begins with polling, upgrades, and must stay with the
// origin that knows its session; with cookies kept as a browser keeps them.
'use strict';
const assert = require('node:assert');
const { io } = require('socket.io-client');

const [url, clients] = process.argv.slice(2);

async function one(n) {
  const socket = io(url, { withCredentials: true, forceNew: true, reconnection: false, transports: ['polling', 'websocket'] });
  const hello = await new Promise((resolve, reject) => {
    socket.once('hello', resolve);
    socket.once('connect_error', reject);
    socket.once('disconnect', (why) => reject(new Error(`disconnect: ${why}`)));
  });
  assert.strictEqual(hello.transport, 'polling');
  if (socket.io.engine.transport.name !== 'websocket')
    await new Promise((resolve, reject) => {
      socket.io.engine.once('upgrade', resolve);
      socket.io.engine.once('upgradeError', reject);
      socket.io.engine.once('close', reject);
    });
  for (const value of [n, 'text', { nested: [1, 2, 3] }, Buffer.from([0, 1, 2, 255])]) {
    const back = await new Promise((resolve) => socket.emit('echo', value, resolve));
    assert.strictEqual(back.name, hello.name);
    assert.deepStrictEqual(back.value, value);
  }
  const big = 'x'.repeat(2_000_000);
  const back = await new Promise((resolve) => socket.emit('echo', big, resolve));
  assert.strictEqual(back.transport, 'websocket');
  assert.strictEqual(back.value.length, big.length);
  await new Promise((resolve) => socket.emit('room', 'lobby-' + hello.name, resolve));
  const said = new Promise((resolve) => socket.once('said', resolve));
  socket.emit('say', 'lobby-' + hello.name, 'hello room');
  assert.strictEqual(await said, 'hello room');
  socket.disconnect();
  return hello.name;
}

Promise.all(Array.from({ length: Number(clients) }, (_, n) => one(n))).then(
  (names) => {
    console.log(JSON.stringify({ origins: [...new Set(names)].sort() }));
    process.exit(0);
  },
  (e) => {
    console.error(e);
    process.exit(1);
  });
