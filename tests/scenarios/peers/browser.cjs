// Chromium, as it comes with Debian, with a profile of its own that trusts the tests' CA.
'use strict';
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { chromium } = require('playwright-core');

// `options` are Playwright's, of a context.
async function withBrowser(use, options = {}) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'fairlead-chromium-'));
  const nss = path.join(home, '.pki/nssdb');
  fs.mkdirSync(nss, { recursive: true });
  execFileSync('certutil', ['-N', '-d', `sql:${nss}`, '--empty-password']);
  if (process.env.NODE_EXTRA_CA_CERTS)
    execFileSync('certutil', ['-A', '-d', `sql:${nss}`, '-n', 'test-ca', '-t', 'C,,', '-i', process.env.NODE_EXTRA_CA_CERTS]);
  const context = await chromium.launchPersistentContext(path.join(home, 'profile'), {
    executablePath: '/usr/bin/chromium',
    headless: true,
    ...options,
    viewport: { width: 1280, height: 800 },
    env: { ...process.env, HOME: home },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP *.test 127.0.0.1'],
  });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    page.on('pageerror', (e) => console.error('page:', e.message));
    page.on('console', (m) => m.type() === 'error' && console.error('console:', m.text()));
    page.setDefaultTimeout(20000);
    return await use(page, context);
  } finally {
    await context.close();
    fs.rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

// Runs main, prints its result as the last line, and ends whatever a hung page may still hold.
function run(main, limit = 45000) {
  const late = setTimeout(() => {
    console.error('late');
    process.exit(1);
  }, limit);
  main().then(
    (result) => {
      clearTimeout(late);
      process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0)); // a pipe takes 64 KiB at once
    },
    (e) => {
      console.error(e);
      process.exit(1);
    });
}

module.exports = { withBrowser, run };
