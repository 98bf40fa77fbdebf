// What the stories of the console share. A story is a program: node STORY.cjs '{"port", "language", ...}'; it is told what
// the node under test has, walks through the console by its words, and asks the edge as a WebSocket client whether each
// click took effect. The words are the translation files', so one telling holds in every language.
'use strict';
const assert = require('node:assert');
const WebSocket = require('ws');
const { withConsole, settled, run } = require('./console.cjs');

const asked = process.argv[2] ? JSON.parse(process.argv[2]) : {};
const escaped = (words) => words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

// Until condition() gives something true, which is returned. For what is not on a page; a page is waited for by Playwright.
async function eventually(condition, what, timeout = 20_000) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeout} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// A person at the console: finds things by what they are and by the key of their words, on the page or `within` part of it.
function person(console_) {
  const { page, text } = console_;
  // What is left out of the values is a number; where words have none, a RegExp of exactly them.
  const like = (key, values = {}) =>
    new RegExp(escaped(text(key, new Proxy(values, { get: (v, name) => v[name] ?? '\u0001' }))).replaceAll('\u0001', '[\\d.,]+'));
  const by = (role) => (key, within = page, values) => within.getByRole(role, { name: text(key, values), exact: true });
  const see = async (what) => {
    const found = typeof what === 'string' || what instanceof RegExp ? page.getByText(what) : what;
    await found.filter({ visible: true }).first().waitFor();
    return found.filter({ visible: true }).first();
  };
  const plurals = new Intl.PluralRules(console_.language);
  const many = (key, count, values) => text(`${key}_${plurals.select(count)}`, { count, ...values });
  const words = console_.language === 'en' ? {} : require(`../../../console/src/i18n/${console_.language}/api-words.json`);
  return {
    ...console_, like, see, many,
    // What the API says of a field, in words of the language where it has some.
    saying: ({ code, message }) => words[code] ?? message,
    button: by('button'), link: by('link'), radio: by('radio'), checkbox: by('checkbox'),
    field: (key, within = page) => within.getByLabel(text(key), { exact: true }),
    says: (key, values) => see(text(key, values)),
    // The one dialog that is open with this title.
    dialog: async (key, values) => {
      const box = page.getByRole('dialog').filter({ hasText: text(key, values) }).filter({ visible: true }).last();
      await box.waitFor();
      return box;
    },
    gone: (box) => box.waitFor({ state: 'hidden' }),
    // What a form says beneath the field that it is about; the field is marked for those who do not see it.
    told: async (field, words) => {
      const item = field.locator('xpath=ancestor::*[contains(concat(" ", @class, " "), " ant-form-item ")][1]');
      await item.getByText(words).first().waitFor();
      assert.strictEqual(await field.getAttribute('aria-invalid'), 'true');
    },
    choose: async (box, words) => {
      await box.click();
      await page.locator('.ant-select-dropdown:visible .ant-select-item-option').filter({ has: page.getByText(words, { exact: true }) }).first().click();
    },
    // By the menu, as the documents have it.
    menu: async (key) => {
      await page.getByRole('navigation', { name: text('shell:menu.label') }).getByRole('link', { name: text(`shell:menu.${key}`), exact: true }).click();
      await page.getByRole('heading', { level: 1 }).waitFor();
      await settled(page);
    },
    // "Live on 1 of 1 edges after 40 ms"; gives the milliseconds.
    effect: async (within = page) => {
      const line = within.getByText(like('common:effect.live-after', { live: 1, edges: 1 })).first();
      await line.waitFor();
      const words = await line.textContent();
      assert.match(words, like('common:effect.live-after', { live: 1, edges: 1 }));
      return Number(/(\d+) (?:ms|毫秒)/.exec(words)?.[1]);
    },
    signOut: async (email) => {
      await page.getByRole('button', { name: text('shell:signed-in-as', { email }), exact: true }).click();
      await page.getByRole('menuitem', { name: text('shell:sign-out'), exact: true }).click();
      await page.waitForURL('**/sign-in');
    },
  };
}

// Somebody with a browser of their own.
const someone = (use, more = {}) =>
  withConsole({ port: asked.port, language: asked.language, ...more }, (console_) => use(person(console_)));

const story = (use, limit = 150_000, more = {}) => run(() => someone(use, more), limit);

// What the edge says to a client of `host`: an open session, or the refusal as { status, why }.
function dial({ host = asked.host, port = asked.http, tls = false, path = '/', from, version = 13 } = {}) {
  return new Promise((resolve, reject) => {
    const client = new WebSocket(`${tls ? 'wss' : 'ws'}://127.0.0.1:${port}${path}`, {
      perMessageDeflate: false, localAddress: from, servername: host, headers: { host }, protocolVersion: version,
    });
    Object.assign(client, { got: [], pings: 0 });
    client.on('message', (data) => client.got.push(String(data)));
    client.on('ping', () => client.pings++);
    client.on('close', (code, reason) => (client.ended = { code, reason: String(reason), at: Date.now() }));
    client.on('unexpected-response', (_, answer) => {
      answer.resume();
      resolve({ status: answer.statusCode, why: answer.headers['fairlead-error'] });
      client.removeAllListeners('error').on('error', () => {});
      client.terminate();
    });
    client.on('error', reject);
    client.on('open', () => resolve(Object.assign(client, { status: 101, opened: Date.now() })));
  });
}

const said = (client, words) => eventually(() => client.got.includes(words), `"${words}" from the origin; it said ${client.got}`);
const ended = (client) => eventually(() => client.ended, 'the end of a session');

let spoken = 0;
async function echoes(client) {
  const words = `words ${++spoken}`;
  client.send(words);
  await said(client, words);
}

// The API by a token of the test's own, apart from the console.
async function api(method, path, body, token = asked.token) {
  const answer = await fetch(`http://127.0.0.1:${asked.port}/v1${path}`, {
    method, body: body && JSON.stringify(body),
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }), 'if-match': '*' },
  });
  return { status: answer.status, json: /json/.test(answer.headers.get('content-type')) ? await answer.json() : undefined };
}

async function refused(options) {
  const answer = await dial(options);
  assert.deepStrictEqual({ status: answer.status, why: answer.why }, { status: 403, why: 'websocket_disabled' });
}

module.exports = { asked, story, api, someone, eventually, settled, dial, said, ended, echoes, refused };
