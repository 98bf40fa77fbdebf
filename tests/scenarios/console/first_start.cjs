// The first start: the link that it printed makes the first operator, who is signed in by that; signs out and in again,
// and takes another password.
'use strict';
const assert = require('node:assert');
const { asked, story } = require('./story.cjs');

const email = 'operator@example.com';

story(async ({ page, text, field, button, says, saying, told, menu, signIn, signOut, expect, link }) => {
  await page.goto(asked.setup);
  await says('access:setup-about');
  await field('access:operator-name').fill('Example Operators');
  await field('access:email').fill(email);
  await field('access:new-password').fill('too short');
  await field('access:password-again').fill('not the same');
  await button('access:begin').click();
  await told(field('access:new-password'), text('access:password-rule'));
  await told(field('access:password-again'), text('access:passwords-differ'));
  await field('access:new-password').fill(asked.password);
  await field('access:password-again').fill(asked.password);
  await field('access:email').fill('operator at example.com');
  expect('422 POST /v1/setup');
  const answered = page.waitForResponse((r) => r.url().endsWith('/v1/setup'));
  await button('access:begin').click();
  await told(field('access:email'), saying((await (await answered).json()).errors[0]));
  await field('access:email').fill(email);
  await button('access:begin').click();
  await page.waitForURL('**/domains');
  await says('domains:none');
  await link('shell:menu.desk').waitFor(); // what operators have

  // The link works once.
  await signOut(email);
  expect('403 POST /v1/setup');
  await page.goto(asked.setup);
  await field('access:email').fill('second@example.com');
  await field('access:new-password').fill(asked.password);
  await field('access:password-again').fill(asked.password);
  await button('access:begin').click();
  await says('common:problem.link_invalid');

  // A wrong password is told where one signs in, and nothing typed is lost.
  expect('401 POST /v1/login');
  await page.goto(new URL('/audit', asked.setup).href);
  await page.waitForURL('**/sign-in');
  await field('access:email').fill(email);
  await field('access:password').fill('a wrong password');
  await button('access:sign-in').click();
  await page.getByRole('alert').getByText(text('common:problem.bad_credentials')).waitFor();
  assert.strictEqual(await field('access:email').inputValue(), email);
  await field('access:password').fill(asked.password);
  await button('access:sign-in').click();
  await page.waitForURL('**/audit'); // where one wanted to go
  await says('access:audit.actions.login.failed', { name: email });

  expect('401 PUT /v1/password');
  await page.getByRole('button', { name: text('shell:signed-in-as', { email }), exact: true }).click();
  await page.getByRole('menuitem', { name: text('shell:change-password'), exact: true }).click();
  await page.waitForURL('**/password/change');
  const next = `${asked.password}, and a longer one`;
  const change = async (old) => {
    await field('access:old-password').fill(old);
    await field('access:new-password').fill(next);
    await field('access:password-again').fill(next);
    await page.getByRole('main').getByRole('button', { name: text('access:change-password'), exact: true }).click();
  };
  await change('a wrong password');
  await page.getByRole('alert').or(page.locator('.ant-form-item-explain-error')).filter({ visible: true }).first().waitFor();
  await change(asked.password);
  await says('access:password-changed');
  await menu('domains'); // still signed in
  await signOut(email);
  await field('access:email').fill(email);
  await field('access:password').fill(asked.password);
  await button('access:sign-in').click();
  await says('common:problem.bad_credentials');
  await signIn(email, next);
  await says('domains:none');
  return { ok: true };
});
