// A browser on the example's page, which has one WebSocket, opens nine more; what is said on one is heard on all ten.
// ten_sockets.cjs chromium|firefox PAGE SOCKET. Prints how many heard it, and the handshakes' statuses if the browser tells.
'use strict';
const { withBrowser, run } = require('./browser.cjs');
const { withFirefox } = require('./firefox.cjs');

const [browser, pageUrl, socketUrl] = process.argv.slice(2);

// In the page: the nine, then a word on the last of them, then all are closed.
const inPage = `(async () => {
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await until(() => document.querySelector('#status[data-state="open"]'));
  const sockets = Array.from({ length: 9 }, () => new WebSocket(${JSON.stringify(socketUrl)}));
  let heard = 0;
  for (const socket of sockets) socket.onmessage = (m) => (heard += JSON.parse(m.data).text === 'Ten on one line');
  await Promise.all(sockets.map((s) => new Promise((resolve, reject) => Object.assign(s, { onopen: resolve, onerror: reject }))));
  sockets[8].send(JSON.stringify({ type: 'comment', name: 'Ada', text: 'Ten on one line' }));
  await until(() => heard === 9 && [...document.querySelectorAll('.comment')].some((c) => c.textContent.includes('Ten on one line')));
  const closes = await Promise.all(sockets.map((s) => new Promise((resolve) => {
    s.onclose = (e) => resolve([e.code, e.wasClean]);
    s.close(1000, 'done');
  })));
  return { heard: heard + 1, closes, protocol: performance.getEntriesByType('navigation')[0].nextHopProtocol };
})()`;

const withChromium = () => withBrowser(async (page) => {
  const statuses = [];
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Network.enable');
  cdp.on('Network.webSocketHandshakeResponseReceived', (e) => statuses.push(e.response.status));
  await page.goto(pageUrl);
  const seen = await page.evaluate(inPage);
  return { ...seen, statuses };
});

run(browser === 'chromium' ? withChromium : () => withFirefox(async (page) => {
  await page.goto(pageUrl);
  return page.evaluate(inPage);
}));
