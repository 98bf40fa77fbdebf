// The documents' procedure: log on, Domain Names, Configure, WebSocket, the switch, Modify, OK; then disabling it. A client
// of the edge sees what each click did.
'use strict';
const assert = require('node:assert');
const { asked, story, dial, said, ended, echoes, refused } = require('./story.cjs');

story(async (person) => {
  const { page, text, many, link, button, radio, field, says, dialog, gone, choose, effect, signIn, menu, see } = person;
  await signIn(asked.customer, asked.password);
  await refused();
  await menu('domains');
  const row = page.locator('.ant-table-row').filter({ hasText: asked.host });
  await row.getByText(text('domains:off'), { exact: true }).waitFor();
  await link('domains:configure', row).click();
  await link('configure:tabs.websocket').click();
  const onOff = page.getByRole('switch', { name: 'WebSocket', exact: true });
  const switched = (on) => page.locator(`#websocket-switch[aria-checked="${on}"]:not(.ant-switch-loading)`).waitFor();
  const reached = async (scheme, options) => {
    const client = await dial(options);
    await said(client, scheme);
    return client;
  };
  // Opens Modify, does what is told to it, and waits until every edge has it.
  const modify = async (change, open = () => button('common:modify').click()) => {
    await open();
    const box = await dialog('configure:dialog.title', { name: asked.host });
    await change(box);
    await button('common:ok', box).click();
    await gone(box);
    assert((await effect()) >= 0);
  };
  const timeout = (box) => field('configure:dialog.connection_timeout', box);
  const unitOf = (box, key) => box.locator('.ant-form-item').filter({ has: field(key) }).getByRole('combobox', { name: text('configure:unit.label') });

  // On. Nobody has chosen the protocol towards the origin yet, so that is asked for at once; until then it is Follow.
  await onOff.click();
  await switched(true);
  await effect();
  const first = await reached('http');
  await modify(async (box) => {
    assert.strictEqual(await timeout(box).inputValue(), '60');
    await button('common:ok', box).click();
    await box.getByText(text('configure:dialog.origin_scheme-missing')).waitFor();
    await radio('configure:scheme.https', box).check();
    await timeout(box).fill('3');
    await choose(unitOf(box, 'configure:dialog.interval'), text('configure:unit.s'));
    await field('configure:dialog.interval', box).fill('1');
    // A ≤ B ≤ C, drawn while one types.
    await button('configure:dialog.more', box).click();
    const order = box.getByRole('region', { name: text('configure:order.label') });
    const colour = (n) => order.getByRole('listitem').nth(n).locator('[aria-hidden] > div').evaluate((e) => getComputedStyle(e).backgroundColor);
    const calm = await colour(0);
    await field('configure:dialog.client_interval', box).fill('5');
    await order.getByText(text('configure:order.a-over-b')).waitFor();
    const amber = await colour(0);
    assert.notStrictEqual(amber, calm);
    assert.strictEqual(await colour(1), calm);
    await field('configure:dialog.origin_timeout', box).fill('2');
    await order.getByText(text('configure:order.b-over-c')).waitFor();
    assert.strictEqual(await colour(1), amber);
    await field('configure:dialog.client_interval', box).fill('2');
    await field('configure:dialog.origin_timeout', box).fill('90');
    await order.getByText(text('configure:order.fine')).waitFor();
    assert.deepStrictEqual([await colour(0), await colour(1)], [calm, calm]);
  }, () => {});
  await see(many('configure:quantity.s', 3));

  // The origin by HTTPS, Pings every second, and a quiet session ends after three.
  const quiet = await reached('https');
  assert.strictEqual((await ended(quiet)).code, 1001);
  const lasted = quiet.ended.at - quiet.opened;
  assert(lasted > 2400, `it ended after ${lasted} ms`);
  assert.match(quiet.ended.reason, /idle|timeout/i);
  assert(quiet.pings >= 1, `${quiet.pings} pings`);

  await modify(async (box) => {
    await timeout(box).fill('60');
    await radio('configure:scheme.follow', box).check();
    await choose(unitOf(box, 'configure:dialog.interval'), text('configure:off'));
  });
  const plain = await reached('http');
  const secure = await reached('https', { port: asked.https, tls: true });
  await modify((box) => radio('configure:scheme.http', box).check());
  await reached('http', { port: asked.https, tls: true }).then((client) => client.close());
  await echoes(plain);

  // Off: says first how many sessions it touches and what becomes of them. Cancelled, nothing happens.
  const third = await dial();
  first.close();
  await see(many('configure:danger.live', 3));
  const off = async (sure, count, then) => {
    await onOff.click();
    const box = await dialog('configure:websocket.off-title', { name: asked.host });
    await box.getByText(many('configure:danger.live', count), { exact: true }).waitFor();
    await box.getByText(text(`configure:danger.${then}`)).waitFor();
    await button(sure ? 'configure:websocket.off-do' : 'common:cancel', box).click();
    await gone(box);
  };
  await off(false, 3, 'close');
  await switched(true);
  for (const client of [plain, secure, third]) await echoes(client);
  await off(true, 3, 'close');
  await switched(false);
  await effect();
  for (const client of [plain, secure, third]) assert.strictEqual((await ended(client)).code, 1001);
  await refused();
  await refused({ port: asked.https, tls: true });
  await says('configure:websocket.is-off-about');

  // With "keep" they stay, and nobody new comes in.
  await modify((box) => radio('configure:on-disable.keep', box).check());
  await onOff.click();
  await switched(true);
  await effect();
  const kept = [await dial(), await dial()];
  await off(true, 2, 'keep');
  await switched(false);
  await effect();
  await refused();
  for (const client of kept) await echoes(client);

  // The same switch for those who look for it under Content.
  await menu('websockets');
  await page.getByRole('switch', { name: text('domains:content.switch', { name: asked.host }), exact: true }).click();
  await effect();
  await echoes(await reached('http'));
  return { ok: true };
});
