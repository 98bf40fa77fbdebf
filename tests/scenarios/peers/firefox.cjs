// Firefox ESR, as it comes with Debian, with a profile of its own that trusts the tests' CA; driven by WebDriver BiDi, which
// it speaks by itself.
'use strict';
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const WebSocket = require('ws');

const prefs = {
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.localDomains': ['live', 'a', 'b', 'one', 'off'].map((n) => `${n}.edge.test`).join(),
  'network.http.http3.enable': false,
  'network.trr.mode': 5,
  'remote.active-protocols': 1,
  'toolkit.telemetry.enabled': false,
};

// One BiDi session: send(method, params) gives its result.
async function bidi(url) {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const waiting = new Map();
  let last = 0;
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    const taker = waiting.get(message.id);
    if (!taker) return;
    waiting.delete(message.id);
    if (message.type === 'success') taker.resolve(message.result);
    else taker.reject(new Error(`${message.error}: ${message.message}`));
  });
  socket.on('close', () => waiting.forEach((t) => t.reject(new Error('Firefox has gone'))));
  return (method, params = {}) => new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject });
    socket.send(JSON.stringify({ id: last, method, params }));
  });
}

// use(page): page.goto(url), and page.evaluate(expression), whose value (of a promise, too) must be JSON.
async function withFirefox(use) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'fairlead-firefox-'));
  const profile = path.join(home, 'profile');
  fs.mkdirSync(profile);
  execFileSync('certutil', ['-N', '-d', `sql:${profile}`, '--empty-password']);
  execFileSync('certutil', ['-A', '-d', `sql:${profile}`, '-n', 'test-ca', '-t', 'C,,', '-i', process.env.NODE_EXTRA_CA_CERTS]);
  fs.writeFileSync(path.join(profile, 'user.js'),
    Object.entries(prefs).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`).join(''));
  const browser = spawn('/usr/bin/firefox-esr', ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0'],
    { env: { ...process.env, HOME: home, MOZ_HEADLESS: '1' }, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const gone = new Promise((resolve) => browser.once('exit', resolve));
  try {
    const address = await new Promise((resolve, reject) => {
      const said = [];
      readline.createInterface({ input: browser.stderr }).on('line', (line) => {
        said.push(line);
        const match = /WebDriver BiDi listening on (ws:\S+)/.exec(line);
        if (match) resolve(match[1]);
      });
      gone.then((status) => reject(new Error(`Firefox ended with ${status}: ${said.slice(-10).join('\n')}`)));
    });
    const send = await bidi(`${address}/session`);
    await send('session.new', { capabilities: {} });
    const { context } = (await send('browsingContext.getTree')).contexts[0];
    return await use({
      goto: (url) => send('browsingContext.navigate', { context, url, wait: 'complete' }),
      evaluate: async (expression) => {
        const { type, result, exceptionDetails } = await send('script.evaluate',
          { expression: `(async () => JSON.stringify(await (${expression})))()`, target: { context }, awaitPromise: true });
        if (type !== 'success') throw new Error(exceptionDetails.text);
        return JSON.parse(result.value);
      },
    });
  } finally {
    // Its processes are a group of their own: asked first, so that its last words are said, and then made to.
    const end = (signal) => {
      try {
        process.kill(-browser.pid, signal);
      } catch {
        // all of them have gone
      }
    };
    end('SIGTERM');
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 5000))]);
    end('SIGKILL');
    fs.rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

module.exports = { withFirefox };
