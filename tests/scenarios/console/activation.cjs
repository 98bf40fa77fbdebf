// Apply, approve, configure: the customer applies, is rejected with a reason, applies again and is approved; adds a domain
// step by step, proves it by a file on its site, starts it, and a client gets through. The operator decides in a browser of
// their own.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const { asked, story, someone, dial, echoes } = require('./story.cjs');

const REASON = 'Please state how many sessions you expect.';

story((customer) => someone((operator) => procedure(customer, operator)));

async function procedure(customer, operator) {
  const { page, text, field, button, radio, says, told, choose, menu, effect, expect, see, link } = customer;
  await customer.signIn(asked.customer, asked.password);
  await menu('activation');
  await says('service:state.none.title');
  const apply = () => button('service:apply.submit').click();
  await field('service:fields.contact_email').fill('');
  await apply();
  await told(field('service:fields.contact_name'), text('service:missing.contact_name'));
  await told(field('service:fields.use_case'), text('service:missing.use_case'));
  // What only the API refuses is told at its field, too.
  expect('422 POST /v1/applications', '400 POST /v1/applications');
  await field('service:fields.contact_name').fill('Operations');
  await field('service:fields.contact_email').fill('"live"@example.com');
  await choose(field('service:fields.use_case'), text('service:use-cases.live-comments'));
  const answered = page.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith('/v1/applications'));
  await apply();
  const problem = await (await answered).json();
  await told(field('service:fields.contact_email'), customer.saying(problem.errors[0]));
  await field('service:fields.contact_email').fill(asked.customer);
  await apply();
  await says('service:state.submitted.title');

  // The operator's desk: a rejection needs a reason, and the customer reads it.
  const desk = async () => {
    await operator.menu('desk');
    await operator.link('operator:desk.review-of', operator.page, { account: asked.account }).click();
    await operator.says('operator:desk.application-of', { account: asked.account });
    await operator.says('operator:desk.use-cases.live-comments');
  };
  await operator.signIn(asked.operator, asked.password);
  await desk();
  await operator.button('operator:desk.reject').click();
  await operator.told(operator.field('operator:desk.words'), operator.text('operator:desk.reason-missing'));
  await operator.field('operator:desk.words').fill(REASON);
  await operator.button('operator:desk.reject').click();
  await operator.button('operator:desk.reject').waitFor({ state: 'hidden' });
  await operator.see(REASON);

  await menu('domains');
  await menu('activation');
  await says('service:state.rejected.title');
  await says('service:state.reason', { reason: REASON });
  await field('service:fields.contact_name').fill('Operations');
  await choose(field('service:fields.use_case'), text('service:use-cases.live-comments'));
  await field('service:fields.expected_sessions').fill('30000');
  await apply();
  await says('service:state.submitted.title');

  // A domain in four steps; what is not there yet is named.
  await menu('domains');
  await link('domains:add-first').click();
  const next = () => button('domains:adding.next').click();
  await next();
  await told(field('domains:name'), text('domains:adding.name-missing'));
  await field('domains:name').fill(asked.host);
  await next();
  await field('configure:origins.host').fill('127.0.0.1');
  await field('configure:origins.http-port').fill(String(asked.origin));
  await next();
  await next();
  await says('configure:dialog.origin_scheme-missing');
  await radio('configure:scheme.http').check();
  await next();
  await see(text('domains:adding.then'));
  await button('domains:add').click();
  await says('configure:gate.domain_ownership.unmet');
  await says('configure:gate.activation.unmet');

  // The proof: what the page says is to be published is published, and looked for.
  const proof = page.locator('.ant-card').filter({ hasText: text('configure:ownership.file') }).last();
  const shown = async (key) => (await proof.getByText(text(key)).locator('xpath=following::code[1]').innerText()).trim();
  assert(new URL(await shown('configure:ownership.file-url')).hostname === asked.host);
  fs.writeFileSync(`${asked.sites}.new`, JSON.stringify({ [asked.host]: { content: await shown('configure:ownership.file-body') } }));
  fs.renameSync(`${asked.sites}.new`, asked.sites);
  await button('configure:ownership.check').click();
  await says('configure:ownership.by.http');
  await says('configure:going-live.ready');
  await button('configure:start.do').click();
  await effect();
  assert.strictEqual((await dial()).status, 403); // live, and not activated

  await desk();
  await operator.button('operator:desk.approve').click();
  await operator.effect();
  await operator.link('operator:desk.next').click();
  await operator.says('operator:desk.none');

  await menu('activation');
  await says('service:state.approved.title');
  await page.goBack();
  await link('configure:tabs.websocket').click();
  await page.getByRole('switch', { name: 'WebSocket', exact: true, checked: true }).waitFor();
  await echoes(await dial());
  return { ok: true };
}
