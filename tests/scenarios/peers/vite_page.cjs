// Chromium on a page that Vite serves: the module's text is shown, the file is edited, the new text arrives without a
// reload. vite_page.cjs PAGE FILE
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const { withBrowser, run } = require('./browser.cjs');

const [pageUrl, file] = process.argv.slice(2);

run(() => withBrowser(async (page) => {
  const connected = page.waitForEvent('console', (m) => m.text().includes('[vite] connected'));
  await page.goto(pageUrl);
  await page.waitForFunction(() => document.getElementById('out').textContent === 'before');
  await connected;
  await page.evaluate(() => (window.born = 'once'));
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace("'before'", "'after'"));
  await page.waitForFunction(() => document.getElementById('out').textContent === 'after');
  assert.strictEqual(await page.evaluate(() => window.born), 'once', 'the page was loaded again instead of updated');
  return { ok: true };
}));
