// Scrolls through a long table of the console with the wheel until its last row is there, and looks on as a person feels
// it: how many rows the page is made of, and, at the pace of a hand, how evenly its pictures come and what holds it up.
//   scale.cjs '{"port", "email", "password", "lists": [{"name", "path", "last", "search"?: {"label", "text"}}]}'
//   → {name: {"rows": most in the page, "frames": [ms], "long": [ms], "search_ms"}}
'use strict';
const { withConsole, run } = require('./console.cjs');
const asked = JSON.parse(process.argv[2]);
const ROWS = '.ant-table-tbody-virtual .ant-table-row';

// Begins to look; `looked` is what it saw.
const look = (rows) => {
  const seen = (window.looked = { rows: 0, frames: [], long: [] });
  const long = new PerformanceObserver((list) => seen.hurried || seen.long.push(...list.getEntries().map((e) => e.duration)));
  long.observe({ type: 'longtask' });
  let before = performance.now();
  const frame = (now) => {
    if (seen.ended) return;
    if (!seen.hurried) seen.frames.push(now - before);
    before = now;
    seen.rows = Math.max(seen.rows, document.querySelectorAll(rows).length);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
};

// After the next picture: whether a row says that.
const shows = ([rows, text]) =>
  new Promise((done) => requestAnimationFrame(() =>
    done([...document.querySelectorAll(rows)].some((row) => row.textContent.includes(text)))));

// A person's hand: as quick as one reads along at best. Then in leaps, as by dragging the bar.
const HAND = 300;
const LEAP = 3000;

async function through(page, last, limit) {
  const turn = async (steps, by, until) => {
    for (let i = 0; i < steps; i++) {
      if (until && (await page.evaluate(shows, [ROWS, until]))) return;
      await page.mouse.wheel(0, by);
      if (!until) await page.evaluate(shows, [ROWS, last]);
    }
    if (until) throw new Error(`${until} is not reached`);
  };
  await page.locator(ROWS).first().hover();
  await page.evaluate(look, ROWS);
  await turn(120, HAND);
  await page.evaluate(() => { window.looked.hurried = true; });
  await turn(limit, LEAP, last);
  await page.evaluate(() => { window.looked.hurried = false; });
  await turn(120, -HAND); // with all of it loaded
  return page.evaluate(() => Object.assign(window.looked, { ended: true }));
}

run(() =>
  withConsole(asked, async ({ page, go, signIn, text }) => {
    await signIn(asked.email, asked.password);
    const found = {};
    for (const { name, path, last, search } of asked.lists) {
      await go(path);
      found[name] = await through(page, last, 4000);
      const field = page.getByRole('searchbox', { name: text(search.label), exact: true });
      const begun = Date.now();
      await field.fill(search.text);
      if (search.enter) await field.press('Enter');
      await page.waitForFunction(([rows, wanted]) => {
        const there = [...document.querySelectorAll(rows)];
        return there.length === 1 && there[0].textContent.includes(wanted);
      }, [ROWS, search.text]);
      found[name].search_ms = Date.now() - begun;
    }
    return found;
  }), asked.patience * 3);
