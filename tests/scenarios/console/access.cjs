// Certificates: what does not fit together is told at its field, what does is listed with its end. A token: shown once,
// works at the API, revoked at once. And the audit trail has all of it.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const { asked, story, api } = require('./story.cjs');

story(async (person) => {
  const { page, text, many, button, link, field, radio, says, told, dialog, gone, signIn, menu, expect, see } = person;
  await signIn(asked.customer, asked.password);
  await menu('certificates');
  await link('security:certificates.add-first').click();
  await field('security:certificates.name').fill('site');
  await button('security:certificate.upload').click();
  await told(field('security:pem.chain'), text('security:pem.chain-missing'));
  const file = async (key, path) => {
    const asks = page.waitForEvent('filechooser');
    await button(key).click();
    await (await asks).setFiles(path);
  };
  await file('security:pem.chain-file', asked.chain);
  expect('422 POST /v1/certificates');
  const refusedAt = async (key) => {
    await field('security:pem.key').fill(key);
    const answered = page.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith('/v1/certificates'));
    await button('security:certificate.upload').click();
    const { errors } = await (await answered).json();
    assert.deepStrictEqual(errors.map((e) => e.pointer), ['/key']);
    await told(field('security:pem.key'), person.saying(errors[0]));
  };
  await refusedAt('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
  await refusedAt(fs.readFileSync(asked.otherKey, 'utf8'));
  await file('security:pem.key-file', asked.key);
  await button('security:certificate.upload').click();
  await says('security:certificate.uploaded', { name: 'site' });
  await page.getByRole('heading', { level: 1, name: text('security:certificate.title', { name: 'site' }) }).waitFor();
  await menu('certificates');
  const days = (await api('GET', '/certificates')).json.items[0].expires_in_days;
  assert(days >= 28 && days <= 30, `${days} days`);
  const listed = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'site', exact: true }) });
  await listed.getByText(many(days > 30 ? 'security:expiry.days' : 'security:expiry.soon', days)).waitFor();

  // A token: its text is shown this once.
  await menu('tokens');
  await button('access:tokens.create').first().click();
  const form = await dialog('access:tokens.create');
  await button('access:tokens.create', form).click();
  await told(field('access:tokens.name', form), text('access:tokens.name-rule'));
  await field('access:tokens.name', form).fill('deploy');
  await radio('access:tokens.scopes.write', form).check();
  await button('access:tokens.create', form).click();
  const made = await dialog('access:tokens.made', { name: 'deploy' });
  const token = await field('access:tokens.token', made).inputValue();
  await button('common:close', made).last().click();
  await gone(made);
  assert.strictEqual((await api('GET', '/domains', undefined, token)).status, 200);
  await page.reload();
  await button('access:tokens.revoke-label', page, { name: 'deploy' }).waitFor();
  assert(!(await page.content()).includes(token));
  assert.strictEqual((await api('PATCH', `/domains/${asked.host}`, { icp_number: 'by the token' }, token)).status, 200);
  await button('access:tokens.revoke-label', page, { name: 'deploy' }).click();
  const sure = await dialog('access:tokens.revoke-ask', { name: 'deploy' });
  await button('access:tokens.revoke', sure).click();
  await gone(sure);
  await button('access:tokens.revoke-label', page, { name: 'deploy' }).waitFor({ state: 'detached' });
  assert.strictEqual((await api('GET', '/domains', undefined, token)).status, 401);

  // What was done, by whom, from where.
  await menu('audit');
  for (const [key, name] of [['token.delete', 'deploy'], ['token.create', 'deploy'], ['certificate.upload', 'site'], ['domain.change', asked.host],
    ['login.succeeded', asked.customer]]) {
    const row = page.getByRole('row').filter({ hasText: text(`access:audit.actions.${key}`, { name }) }).first();
    await row.getByText(asked.customer, { exact: true }).waitFor();
    await row.getByText('127.0.0.1').waitFor();
  }
  // The change with its values before and after.
  const change = page.getByRole('row').filter({ hasText: text('access:audit.actions.domain.change', { name: asked.host }) }).first();
  await change.getByRole('button').first().click();
  await see('by the token');
  return { ok: true };
});
