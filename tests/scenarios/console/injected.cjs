// What would run if somebody got their text into a page of the console: nothing, and the browser says of each why.
//   injected.cjs '{"port"}' → {"ran": [what], "refused": {what: directive}, "framed": whether another page can frame it}
'use strict';
const { createServer } = require('node:http');
const { withConsole, run } = require('./console.cjs');
const asked = JSON.parse(process.argv[2]);

// Each puts something into the page as an injection would.
const ways = {
  'inline script': () => document.head.append(Object.assign(document.createElement('script'), { textContent: 'window.ran.push("inline script")' })),
  handler: () => document.body.insertAdjacentHTML('beforeend', '<img src="/nothing" onerror="window.ran.push(\'handler\')">'),
  // Not at once: what a debugger runs itself may do so.
  eval: () => { setTimeout(() => { try { Function('window.ran.push("eval")')(); } catch { /* as it should be */ } }); },
  'data script': () => document.head.append(Object.assign(document.createElement('script'), { src: 'data:text/javascript,window.ran.push("data script")' })),
  'other host': () => document.head.append(Object.assign(document.createElement('script'), { src: 'http://localhost:1/x.js' })),
  fetch: () => { fetch('http://localhost:1/').then(() => window.ran.push('fetch'), () => {}); },
  frame: () => document.body.insertAdjacentHTML('beforeend', '<iframe src="/sign-in"></iframe>'),
  style: () => document.head.append(Object.assign(document.createElement('style'), { textContent: 'body { display: none }' })),
  base: () => document.head.append(Object.assign(document.createElement('base'), { href: 'http://localhost:1/' })),
};

async function main() {
  const found = { ran: [], refused: {} };
  await withConsole(asked, async ({ page, go, wrongs, base }) => {
    await go('/sign-in');
    for (const [what, way] of Object.entries(ways)) {
      await page.evaluate(() => {
        window.ran ??= [];
        window.told = new Promise((done) => addEventListener('securitypolicyviolation', (e) => done(e.effectiveDirective), { once: true }));
      });
      await page.evaluate(way);
      found.refused[what] = await page.evaluate(() =>
        Promise.race([window.told, new Promise((done) => setTimeout(done, 5000, 'nothing was refused'))]));
    }
    found.ran = await page.evaluate(() => window.ran);

    // Another site's page with the console in a frame: the frame stays empty.
    const site = createServer((_, answer) => {
      answer.setHeader('content-type', 'text/html');
      answer.end(`<iframe src="${base}/sign-in"></iframe>`);
    }).listen(0, '127.0.0.1');
    await new Promise((done) => site.once('listening', done));
    const answered = page.waitForResponse(`${base}/sign-in`);
    await page.goto(`http://127.0.0.1:${site.address().port}/`);
    await answered;
    await page.waitForLoadState('load');
    found.framed = (await Promise.all(page.frames().slice(1).map((f) => f.locator('form').count()))).some(Boolean);
    site.close();
    wrongs.length = 0; // all of it was wrong, and was refused
  });
  return found;
}

run(main);
