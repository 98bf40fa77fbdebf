// MQTT clients over WebSocket: every quality of service, retained messages, and a will: mqtt_client.cjs URL.
'use strict';
const assert = require('node:assert');
const crypto = require('node:crypto');
const mqtt = require('mqtt');

const url = process.argv[2];
const join = (more = {}) => mqtt.connectAsync(url, { reconnectPeriod: 0, connectTimeout: 10000, keepalive: 5, ...more });

async function main() {
  const sub = await join({ clientId: 'sub' });
  const pub = await join({ clientId: 'pub' });
  const got = [];
  let wake = () => {};
  sub.on('message', (topic, payload) => {
    got.push([topic, payload]);
    wake();
  });
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => (wake = resolve));
  };
  const granted = await sub.subscribeAsync('fleet/#', { qos: 2 });
  assert.strictEqual(granted[0].qos, 2);
  const big = crypto.randomBytes(500_000);
  for (const qos of [0, 1, 2]) {
    for (let i = 0; i < 50; i++) await pub.publishAsync(`fleet/${qos}`, `${i}`, { qos });
    await pub.publishAsync(`fleet/big/${qos}`, big, { qos });
  }
  await until(() => got.length >= 153);
  for (const qos of [0, 1, 2]) {
    const mine = got.filter(([t]) => t === `fleet/${qos}`).map(([, p]) => Number(p));
    assert.deepStrictEqual(mine, Array.from({ length: 50 }, (_, i) => i));
    assert(got.find(([t]) => t === `fleet/big/${qos}`)[1].equals(big));
  }
  await pub.publishAsync('kept', 'last word', { qos: 1, retain: true });
  await sub.subscribeAsync('kept');
  await until(() => got.some(([t, p]) => t === 'kept' && String(p) === 'last word'));
  await sub.subscribeAsync('wills');
  const mortal = await join({ clientId: 'mortal', will: { topic: 'wills', payload: Buffer.from('gone'), qos: 1, retain: false } });
  mortal.stream.destroy();
  await until(() => got.some(([t]) => t === 'wills'));
  await Promise.all([sub.endAsync(), pub.endAsync()]);
  return got.length;
}

main().then(
  (messages) => {
    console.log(JSON.stringify({ messages }));
    process.exit(0);
  },
  (e) => {
    console.error(e);
    process.exit(1);
  });
