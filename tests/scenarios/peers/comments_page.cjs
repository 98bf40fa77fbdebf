// Chromium opens the example's page and sees a comment fly that another client sent; its own goes out to that client.
// comments_page.cjs PAGE SOCKET STATUS [SCREENSHOT]; STATUS is what its handshake is to end with: 200 over HTTP/2.
'use strict';
const assert = require('node:assert');
const WebSocket = require('ws');
const { withBrowser, run } = require('./browser.cjs');

const [pageUrl, socketUrl, status, screenshot] = process.argv.slice(2);

run(() => withBrowser(async (page) => {
  const sockets = [];
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Network.enable');
  cdp.on('Network.webSocketHandshakeResponseReceived', (e) => sockets.push(e.response.status));
  await page.goto(pageUrl);
  await page.waitForSelector('#status[data-state="open"]');

  const other = new WebSocket(socketUrl);
  const heard = [];
  let wake = () => {};
  other.on('message', (data) => {
    heard.push(JSON.parse(data));
    wake();
  });
  const hears = async (match) => {
    while (!heard.some(match)) await new Promise((resolve) => (wake = resolve));
  };
  await new Promise((resolve, reject) => other.on('open', resolve).on('error', reject));
  await page.waitForFunction(() => document.getElementById('online').textContent === '2 here');
  other.send(JSON.stringify({ type: 'comment', name: 'Ada', text: 'Light on the port bow!' }));
  const flying = page.locator('.comment', { hasText: 'Light on the port bow!' });
  await flying.waitFor();
  // It flies: its place changes from one picture to a later one.
  const first = (await flying.boundingBox()).x;
  await page.waitForFunction((x) => [...document.querySelectorAll('.comment')]
    .some((c) => c.textContent.includes('port bow') && c.getBoundingClientRect().x < x - 40), first);

  await page.fill('#name', 'Grace');
  await page.fill('#text', 'I see it, two miles <b>off</b>');
  await page.press('#text', 'Enter');
  await hears((m) => m.type === 'comment' && m.name === 'Grace' && m.text === 'I see it, two miles <b>off</b>');
  await page.waitForSelector('.comment.mine');
  assert.match(await page.textContent('#delay'), /^\d+ ms$/);
  assert.strictEqual(await page.locator('.comment.mine b').count(), 1, 'markup in a comment became elements');
  if (screenshot) {
    for (const [name, text] of [['Mira', 'good evening from the pier'], ['ユキ', '月がきれいですね 🌙'], ['Bo', 'ahoy!'],
      ['Lín', '今晚的海真安静'], ['Tom', 'that beam just hit my window']]) other.send(JSON.stringify({ type: 'comment', name, text }));
    await page.locator('.comment', { hasText: 'my window' }).waitFor();
    const start = Date.now();
    await page.waitForFunction((t) => Date.now() > t + 2500, start);
    await page.screenshot({ path: screenshot });
  }
  assert.deepStrictEqual(sockets, [Number(status)]);
  other.close();
  return { statuses: sockets };
}));
