// A browser loads a page, then opens WebSockets one after the other and has messages of the given sizes echoed on each.
// sockets_page.cjs chromium|firefox PAGE SIZES SOCKET...; prints for each socket "open", or how it ended by itself, as it is
// when all have had their turn, and the handshakes' statuses if the browser tells.
'use strict';
const { withBrowser, run } = require('./browser.cjs');
const { withFirefox } = require('./firefox.cjs');

const [browser, pageUrl, sizes, ...socketUrls] = process.argv.slice(2);

const inPage = `(async () => {
  const digest = async (data) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', data))].join();
  const echo = (socket, data) => new Promise((resolve, reject) => {
    socket.onmessage = (m) => resolve(m.data);
    socket.addEventListener('close', (e) => reject(new Error('closed: ' + e.code)));
    socket.send(data);
  });
  const fates = [];
  const sockets = [];
  for (const url of ${JSON.stringify(socketUrls)}) {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    const number = sockets.push(socket) - 1;
    await new Promise((resolve) => {
      socket.onopen = () => resolve(fates[number] = 'open');
      socket.onclose = (e) => resolve(fates[number] = 'closed: ' + e.code);
    });
    if (fates[number] !== 'open') continue;
    for (const size of [${sizes}]) {
      const data = new Uint8Array(size);
      for (let at = 0; at < size; at += 65536) crypto.getRandomValues(data.subarray(at, at + 65536));
      const back = await echo(socket, data);
      if (await digest(back) !== await digest(data)) throw new Error(size + ' bytes came back as others');
    }
  }
  for (const [number, socket] of sockets.entries()) if (fates[number] === 'open') await echo(socket, 'still?');
  const seen = [...fates];
  await Promise.all(sockets.map((s, n) => seen[n] === 'open' && new Promise((resolve) => {
    s.addEventListener('close', resolve);
    s.close(1000);
  })));
  return { fates: seen };
})()`;

const withChromium = () => withBrowser(async (page) => {
  const statuses = [];
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Network.enable');
  cdp.on('Network.webSocketHandshakeResponseReceived', (e) => statuses.push(e.response.status));
  await page.goto(pageUrl);
  return { ...(await page.evaluate(inPage)), statuses };
});

run(browser === 'chromium' ? withChromium : () => withFirefox(async (page) => {
  await page.goto(pageUrl);
  return page.evaluate(inPage);
}));
