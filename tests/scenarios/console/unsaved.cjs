// What was typed is not lost unasked: leaving a form asks, staying keeps it. And what somebody else changed meanwhile is not
// overwritten unseen: one is told, and loads it anew.
'use strict';
const assert = require('node:assert');
const { asked, story, api, eventually } = require('./story.cjs');

// Somebody else with the same rights, by the API.
async function meanwhile(path, patch) {
  assert.strictEqual((await api('PATCH', `/domains/${asked.host}${path}`, patch)).status, 200);
}

story(async ({ page, text, many, button, link, field, says, see, dialog, gone, signIn, go, effect, expect }) => {
  await signIn(asked.customer, asked.password);
  await link('domains:configure', page.locator('.ant-table-row').filter({ hasText: asked.host })).click();
  const icp = field('configure:basics.icp');
  const menuLink = link('shell:menu.certificates', page.getByRole('navigation', { name: text('shell:menu.label') }));
  const leave = async (sure, by) => {
    await by();
    const box = await dialog('common:unsaved.title');
    await button(sure ? 'common:unsaved.leave' : 'common:unsaved.stay', box).click();
    await gone(box);
  };
  await icp.fill('ICP 1');
  await leave(false, () => menuLink.click());
  assert.strictEqual(await icp.inputValue(), 'ICP 1');
  await leave(false, () => page.goBack());
  assert.strictEqual(await icp.inputValue(), 'ICP 1');
  // The browser asks before the tab is gone.
  const question = page.waitForEvent('dialog');
  page.evaluate(() => window.location.reload()).catch(() => {});
  const asks = await question;
  assert.strictEqual(asks.type(), 'beforeunload');
  await asks.dismiss();
  assert.strictEqual(await icp.inputValue(), 'ICP 1');
  await leave(true, () => menuLink.click());
  await page.waitForURL('**/certificates');
  await go(`/domains/${asked.host}/basics`);
  assert.strictEqual(await icp.inputValue(), '');
  // Put back as it was, there is nothing to ask about.
  await icp.fill('ICP 1');
  await icp.fill('');
  await menuLink.click();
  await page.waitForURL('**/certificates');

  await go('/domains/add');
  await field('domains:name').fill('half.edge.test');
  await leave(false, () => menuLink.click());
  assert.strictEqual(await field('domains:name').inputValue(), 'half.edge.test');
  await leave(true, () => menuLink.click());

  // Somebody was quicker: nothing of mine is saved, theirs is loaded, and then mine holds.
  expect(`412 PATCH /v1/domains/${asked.host}`, `412 PATCH /v1/domains/${asked.host}/websocket`);
  await go(`/domains/${asked.host}/basics`);
  await icp.fill('ICP 2');
  await meanwhile('', { icp_number: 'ICP of somebody else' });
  await button('common:save').click();
  await says('configure:changed-meanwhile');
  assert.strictEqual(await icp.inputValue(), 'ICP 2');
  await button('configure:load-anew').click();
  await eventually(async () => (await icp.inputValue()) === 'ICP of somebody else', 'the newest revision');
  await icp.fill('ICP 2');
  await button('common:save').click();
  await effect();
  assert.strictEqual(await icp.inputValue(), 'ICP 2');

  await link('configure:tabs.websocket').click();
  await button('common:modify').click();
  const title = ['configure:dialog.title', { name: asked.host }];
  let box = await dialog(...title);
  const timeout = () => field('configure:dialog.connection_timeout', box);
  await timeout().fill('30');
  await meanwhile('/websocket', { connection_timeout: '45s' });
  await button('common:ok', box).click();
  await box.getByText(text('configure:changed-meanwhile')).waitFor();
  await button('configure:load-anew', box).click();
  await eventually(async () => (await timeout().inputValue()) === '45', 'the newest Connection Timeout Period');
  box = await dialog(...title);
  await timeout().fill('30');
  await leave(false, () => button('common:cancel', box).click());
  assert.strictEqual(await timeout().inputValue(), '30');
  await button('common:ok', box).click();
  await gone(box);
  await effect();
  await see(many('configure:quantity.s', 30));
  return { ok: true };
});
