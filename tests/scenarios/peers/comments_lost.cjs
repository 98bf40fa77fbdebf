// Chromium sits on the example's page while the line is cut: it must say code and reason, and come back by itself.
// comments_lost.cjs PAGE. Prints "open", waits for a line on standard input for each step.
'use strict';
const readline = require('node:readline');
const { withBrowser, run } = require('./browser.cjs');

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

run(() => withBrowser(async (page) => {
  await page.goto(process.argv[2]);
  await page.waitForSelector('#status[data-state="open"]');
  console.log(JSON.stringify({ state: 'open' }));
  await page.waitForSelector('#lost:not([hidden])');
  const why = await page.textContent('#lost-why');
  console.log(JSON.stringify({ state: 'lost', why }));
  await lines.next(); // the edge is back
  await page.waitForSelector('#status[data-state="open"]');
  return { state: 'back', why };
}));
