// The console in Debian's Chromium, as a person uses it: what is clicked is found by the words of the translation files,
// so a story is told once for every language. Whatever the console does that it must not do is remembered.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { withBrowser, run } = require('../peers/browser.cjs');

let pictures = 0;
const TEXTS = path.join(__dirname, '../../../console/src/i18n');

// text('domains:add') in a language, its {{values}} filled in; of a plural the form is named ("domains:shown_other").
function textsOf(language) {
  const loaded = {};
  return (key, values = {}) => {
    const [namespace, name] = key.split(':');
    loaded[namespace] ??= JSON.parse(fs.readFileSync(path.join(TEXTS, language, `${namespace}.json`), 'utf8'));
    const found = name.split('.').reduce((at, part) => at?.[part], loaded[namespace]) ?? loaded[namespace][name];
    if (typeof found !== 'string') throw new Error(`no text ${key} in ${language}`);
    return found.replace(/\{\{\s*(\w+)[^}]*\}\}/g, (_, value) => String(values[value]));
  };
}

// What went wrong on a page without a person seeing it: console errors, exceptions, requests that failed or went elsewhere,
// answers of 5xx, and of 4xx but for those a story says it expects.
function watch(page, base) {
  const wrongs = [];
  const expected = new Set();
  const fallen = (url) => url.startsWith(base) && !new URL(url).pathname.startsWith('/v1/');
  page.on('pageerror', (e) => wrongs.push(`exception: ${e.message}`));
  page.on('console', (m) => {
    if (m.type() !== 'error' && m.type() !== 'warning') return;
    // The browser's own line about an answer of 4xx; the answer is judged below.
    if (/^Failed to load resource: the server responded with a status of 4/.test(m.text())) return;
    wrongs.push(`console ${m.type()}: ${m.text()}`);
  });
  page.on('request', (r) => {
    if (!r.url().startsWith(base) && !/^(data|blob):/.test(r.url())) wrongs.push(`request to another host: ${r.url()}`);
  });
  page.on('requestfailed', (r) => {
    // A page that is left gives up its questions and its live stream.
    if (r.failure()?.errorText !== 'net::ERR_ABORTED') wrongs.push(`request failed: ${r.url()}: ${r.failure()?.errorText}`);
  });
  page.on('response', (r) => {
    const { pathname } = new URL(r.url());
    if (r.status() < 400) return;
    if (r.status() < 500 && [...expected].some((e) => e === `${r.status()}` || e === `${r.status()} ${r.request().method()} ${pathname}`)) return;
    if (r.status() === 401 && pathname === '/v1/login') return; // nobody is signed in
    wrongs.push(`${r.status()} ${r.request().method()} ${r.url()}${fallen(r.url()) ? ' (a file of the console)' : ''}`);
  });
  return { wrongs, expect: (...answers) => answers.forEach((a) => expected.add(String(a))) };
}

// use(console): { page, context, text, base, ...watch }. Options: port, language, scheme ("light"), width, height, motion.
// Nothing moves unless asked for: on a busy machine a click can land where something was before it moved on, and Playwright
// holds for still what has had no frame yet.
function withConsole({ port, language = 'en', scheme = 'light', width = 1280, height = 800, motion = false, base = `http://127.0.0.1:${port}` }, use) {
  return withBrowser(async (page, context) => {
    await context.addInitScript(
      ([tongue, look]) => {
        localStorage.setItem('fairlead-language', tongue);
        localStorage.setItem('fairlead-scheme', look);
      }, [language, scheme]);
    await page.setViewportSize({ width, height });
    const seen = watch(page, base);
    const text = textsOf(language);
    const console_ = {
      page, context, text, base, language, ...seen,
      go: async (to) => {
        await page.goto(base + to);
        await settled(page);
      },
      signIn: async (email, password) => {
        await page.goto(`${base}/sign-in`);
        await page.getByLabel(text('access:email'), { exact: true }).fill(email);
        await page.getByLabel(text('access:password'), { exact: true }).fill(password);
        await page.getByRole('button', { name: text('access:sign-in'), exact: true }).click();
        await page.waitForURL((url) => url.pathname !== '/sign-in');
        await settled(page);
      },
    };
    try {
      const result = await use(console_);
      if (seen.wrongs.length) throw new Error(`the page did what it must not:\n  ${seen.wrongs.join('\n  ')}`);
      return result;
    } catch (e) {
      // What a person would have seen.
      const picture = path.join(process.cwd() === path.dirname(__dirname) ? os.tmpdir() : process.cwd(), `failed-${process.pid}-${pictures++}.png`);
      await page.screenshot({ path: picture }).catch(() => {});
      console.error(`picture: ${picture}\nat: ${page.url()}\nwrongs: ${seen.wrongs.join('; ')}`);
      throw e;
    }
  }, { reducedMotion: motion ? 'no-preference' : 'reduce' });
}

// Until a page has its heading, nothing on it is loading, and nothing moves.
async function settled(page) {
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() =>
    !document.querySelector('.ant-skeleton-active, .ant-spin-spinning, [aria-busy="true"]') &&
    document.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getComputedTiming().iterations === Infinity));
}

module.exports = { withConsole, settled, run, textsOf };
