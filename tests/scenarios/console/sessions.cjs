// Live sessions: those that there are, found by the client's address, and ended one by one; the clients see it.
'use strict';
const assert = require('node:assert');
const { asked, story, dial, ended, echoes } = require('./story.cjs');

story(async ({ page, text, many, button, link, says, dialog, gone, signIn, see }) => {
  const near = [await dial({ path: '/room/1' }), await dial({ path: '/room/2' })];
  const far = await dial({ path: '/room/3', from: '127.0.0.2' });
  await signIn(asked.customer, asked.password);
  await link('domains:configure', page.locator('.ant-table-row').filter({ hasText: asked.host })).click();
  await link('configure:tabs.sessions').click();
  await see(many('configure:danger.live', 3));
  const rows = page.locator('.ant-table-row');
  const row = (path) => rows.filter({ hasText: path });
  for (const path of ['/room/1', '/room/2', '/room/3']) await row(path).waitFor();

  // A session that begins while one looks appears by itself, one that its client ends goes.
  const late = await dial({ path: '/room/late' });
  await row('/room/late').waitFor();
  late.close();
  await row('/room/late').waitFor({ state: 'detached' });

  const filter = page.getByRole('searchbox', { name: text('configure:sessions.filter') });
  const find = async (address) => {
    await filter.fill(address);
    await filter.press('Enter');
  };
  await find('127.0.0.9');
  await says('configure:sessions.none-of', { client: '127.0.0.9' });
  await find('127.0.0.2');
  await see(many('configure:danger.live', 1));
  await row('127.0.0.2').waitFor();
  assert.strictEqual(await rows.count(), 1);
  await echoes(far);
  await button('configure:sessions.details', row('/room/3')).click();
  const details = await dialog('configure:sessions.one', { client: '127.0.0.2' });
  await details.getByText('/room/3', { exact: true }).waitFor();
  await details.getByText(`127.0.0.1:${asked.origin}`).waitFor();
  await button('common:close', details).last().click();
  await gone(details);

  const end = async (sure) => {
    await button('configure:sessions.end', row('/room/3')).click();
    const box = await dialog('configure:sessions.sure', { client: '127.0.0.2' });
    await button(sure ? 'configure:sessions.end' : 'common:cancel', box).click();
    await gone(box);
  };
  await end(false);
  await echoes(far);
  await end(true);
  const { code, reason } = await ended(far);
  assert.strictEqual(code, 1001, reason);
  await says('configure:sessions.none-of', { client: '127.0.0.2' });
  await find('');
  await see(many('configure:danger.live', 2));
  for (const client of near) await echoes(client);
  return { ok: true };
});
