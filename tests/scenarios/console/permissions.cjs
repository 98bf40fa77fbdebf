// Opens pages of the console as one person, whether the menu has them or not, and then asks the API itself, from the page,
// with the cookie and the word against forged requests that the page has: what came, what is shown, what could be clicked.
//   permissions.cjs '{"port", "email", "password", "language", "pages": {name: path}, "requests": [{method, path, body, csrf?}]}'
//   → {"pages": {name: {"answers": [{at, status, text}], "text", "alerts": [text], "enabled": [text]}}, "requests": [{status, code}]}
'use strict';
const { withConsole, run } = require('./console.cjs');
const asked = JSON.parse(process.argv[2]);

// What changes something when it is clicked, and can be.
const changing = () =>
  [...document.querySelectorAll('main button, main .ant-switch, main .ant-btn, .ant-modal button')]
    .filter((e) => e.matches('[type=submit], .ant-btn-primary, .ant-btn-dangerous, .ant-switch') && !e.disabled &&
      !e.matches('.ant-btn-disabled, .ant-switch-disabled, .ant-input-search-btn, .ant-input-search-button') && e.getBoundingClientRect().width > 0)
    .map((e) => e.textContent || e.getAttribute('aria-label') || e.outerHTML.slice(0, 120));

run(() =>
  withConsole(asked, async ({ page, go, signIn, expect }) => {
    expect('403', '404');
    await signIn(asked.email, asked.password);
    const pages = {};
    for (const [name, to] of Object.entries(asked.pages)) {
      const answers = [];
      const note = (r) => {
        const { pathname, search } = new URL(r.url());
        if (pathname.startsWith('/v1/') && pathname !== '/v1/statistics/stream')
          answers.push(r.text().catch(() => '').then((text) => ({ at: `${r.request().method()} ${pathname}${search}`, status: r.status(), text })));
      };
      page.on('response', note);
      await go(to);
      page.off('response', note);
      pages[name] = {
        answers: await Promise.all(answers),
        text: (await page.locator('main').innerText()).slice(0, 20_000),
        alerts: await page.locator('main [role=alert], main h1').allInnerTexts(),
        enabled: await page.evaluate(changing),
      };
    }
    const requests = await page.evaluate(async (all) => {
      const { csrf } = await (await fetch('/v1/login')).json();
      const said = [];
      for (const { method, path, body, csrf: word } of all) {
        const headers = { 'if-match': '*' };
        if (body !== null) headers['content-type'] = 'application/json';
        const given = word === undefined ? csrf : word;
        if (given !== null) headers['fairlead-csrf'] = given;
        const answer = await fetch(path, { method, headers, body: body === null ? undefined : JSON.stringify(body) });
        const problem = await answer.json().catch(() => ({}));
        said.push({ at: `${method} ${path}`, status: answer.status, code: problem.code ?? null });
      }
      return said;
    }, asked.requests ?? []);
    return { pages, requests };
  }), 240_000);
