// What each page of the console costs: the files it brings along, in bytes as they come over the wire, and how long the
// first ones take until they can be used.
//   budget.cjs '{"port", "email", "password", "language", "pages": {name: path}, "rounds", "domain"}'
//   → {"files": {path: bytes}, "pages": {name: [path]}, "ready": {"sign-in": [ms], "domains": [ms]}}
'use strict';
const { withConsole, settled, run } = require('./console.cjs');
const asked = JSON.parse(process.argv[2]);

// Every file of the page, whether it came now or was there; the document itself goes by the name of its page.
const resources = (page) =>
  page.evaluate(() =>
    [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .map((e) => ({ path: e.entryType === 'navigation' ? 'document' : new URL(e.name).pathname, size: e.transferSize, kept: e.encodedBodySize }))
      .filter((e) => !e.path.startsWith('/v1/')));

// Milliseconds from the start of the navigation until the thing is there, can be clicked, and a picture of it was due.
const usable = (page, selector) =>
  page.evaluate((what) => new Promise((done) => {
    const look = () => {
      const found = document.querySelector(what);
      const box = found?.getBoundingClientRect();
      const on_top = box?.width && document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
      if (on_top && found.contains(on_top) && !found.disabled) done(performance.now());
      else requestAnimationFrame(look);
    };
    look();
  }), selector);

run(() =>
  withConsole(asked, async ({ page, context, base, signIn, go }) => {
    const network = await context.newCDPSession(page);
    // What comes behind the page is of the page.
    const coming = new Set();
    page.on('request', (r) => new URL(r.url()).pathname.startsWith('/v1/') || coming.add(r));
    for (const end of ['requestfinished', 'requestfailed']) page.on(end, (r) => coming.delete(r));
    const complete = async () => {
      do await settled(page); while (coming.size);
    };
    const files = {};
    const pages = {};
    const note = async (name) => {
      const found = await resources(page);
      for (const { path, size } of found) files[path] = Math.max(files[path] ?? 0, size);
      pages[name] = [...new Set(found.map((f) => f.path))];
    };
    const first = async (name, to) => {
      await network.send('Network.clearBrowserCache');
      await go(to);
      await complete();
      await note(name);
    };
    const ready = { 'sign-in': [], domains: [] };
    const clock = async (name, to, selector) => {
      for (let i = 0; i < asked.rounds; i++) {
        await network.send('Network.clearBrowserCache');
        await page.goto(base + to, { waitUntil: 'commit' });
        ready[name].push(await usable(page, selector));
        await complete();
      }
    };

    await first('sign-in', '/sign-in');
    await clock('sign-in', '/sign-in', 'form button[type=submit]');
    await signIn(asked.email, asked.password);
    await first('domains', '/domains');
    await clock('domains', '/domains', `a[href="/domains/${asked.domain}"]`);
    for (const [name, to] of Object.entries(asked.pages)) {
      await go(to);
      await complete();
      await note(name);
    }
    return { files, pages, ready };
  }), asked.limit ?? 240_000);
