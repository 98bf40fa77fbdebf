// Visits pages of the console as one person and looks at each as a machine can: axe-core's rules (WCAG 2.2 A and AA and
// its best practices), nothing wider than the window, one heading of the first rank, a title. Takes a picture of each
// where a folder for pictures is given.
//   walk.cjs '{"port", "email", "password", "language", "scheme", "width", "height", "pages": {name: path}, "pictures"}'
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const { withConsole, run } = require('./console.cjs');

const asked = JSON.parse(process.argv[2]);

async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  return found.violations.flatMap((v) =>
    v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}: ${[...n.any, ...n.all, ...n.none].map((c) => c.message).join('; ')}\n      ${n.html.slice(0, 200)}`));
}

// The document itself scrolls in one direction only; what is wider scrolls in a box of its own.
const tooWide = (page) =>
  page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll('body *')]
      .filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest('.ant-table-content, .ant-table-body, .own-scroll'))
      .slice(-3)
      .map((e) => `too wide: ${e.outerHTML.slice(0, 160)}`)
      .concat(`the page is ${document.documentElement.scrollWidth} px wide`);
  });

run(() =>
  withConsole(asked, async ({ page, go, signIn, wrongs }) => {
    if (asked.email) await signIn(asked.email, asked.password);
    const found = {};
    const times = {};
    for (const [name, to] of Object.entries(asked.pages)) {
      const begun = Date.now();
      await go(to);
      times[name] = Date.now() - begun;
      const bad = [...(await tooWide(page))];
      if (asked.axe !== false) bad.push(...(await violations(page)));
      const heads = await page.locator('h1').count();
      if (heads !== 1) bad.push(`${heads} headings of the first rank`);
      if (!/^.+ · Fairlead$/.test(await page.title())) bad.push(`its title is "${await page.title()}"`);
      bad.push(...wrongs.splice(0));
      if (bad.length) found[name] = bad;
      if (asked.pictures) {
        // A picture of what moves has to have moved: a quarter of a minute of the live monitor.
        if (name.endsWith('-live')) await page.waitForTimeout(asked.film ?? 15_000);
        const file = path.join(asked.pictures, `${name}${asked.suffix ?? ''}.png`);
        await page.screenshot({ path: file, fullPage: asked.fullPage ?? false });
      }
      console.log(`${name}: ${bad.length} wrongs`);
    }
    return { found, times };
  }), asked.limit ?? 600_000);

