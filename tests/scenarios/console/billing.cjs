// The billing method: the first at once, a later one pending, cancelled, chosen again. A resource pack, which the policy lets
// customers buy or not. A bill with its tiers, and what the other method would have cost.
'use strict';
const assert = require('node:assert');
const { asked, story, api } = require('./story.cjs');

story(async (person) => {
  const { page, text, language, button, link, says, dialog, gone, signIn, signOut, menu, expect, see } = person;
  const radioOf = (key) => page.getByRole('radio', { name: new RegExp(`^${text(key)}`) });
  const heading = (key) => page.getByRole('heading', { level: 2, name: text(key), exact: true });
  const sure = async (title, values, answer) => {
    const box = await dialog(title, values);
    const words = await box.innerText();
    await button(answer, box).click();
    await gone(box);
    return words;
  };
  const choose = async (method, period, when) => {
    await radioOf(`billing:methods.${method}.name`).check();
    await radioOf(`billing:periods.${period}.name`).check();
    await button('billing:choose.choose', page.getByRole('main')).click();
    const words = await sure('billing:choose.ask', { choice: text(`billing:choices.${method}-${period}`) }, 'billing:choose.choose');
    assert(words.includes(text(`billing:choose.when.${when}`, { zone: 'UTC' })), words);
  };

  // Who never chose one: at once.
  await signIn(asked.newcomer, asked.password);
  await menu('billing');
  await heading('billing:choose.first').waitFor();
  await says('billing:method.none');
  await choose('traffic', 'day', 'at-once');
  await says('billing:choose.done');
  await heading('billing:choose.title').waitFor();
  await says('billing:history.title');
  await signOut(asked.newcomer);

  // Who has a method: one change is pending and can be cancelled until it is due.
  await signIn(asked.customer, asked.password);
  await menu('billing');
  const billing = async () => (await api('GET', '/billing')).json;
  await says('billing:methods.bandwidth.name');
  await choose('traffic', 'month', 'next-midnight');
  await says('billing:choose.pending');
  await says('billing:pending.title', { choice: text('billing:choices.traffic-month') });
  await says('billing:choose.one-at-a-time');
  assert(await radioOf('billing:methods.traffic.name').isDisabled());
  await button('billing:pending.cancel').click();
  await sure('billing:pending.cancel-title', {}, 'billing:pending.keep');
  assert.strictEqual((await billing()).pending.period, 'month');
  await button('billing:pending.cancel').click();
  await sure('billing:pending.cancel-title', {}, 'billing:pending.cancel');
  await says('billing:pending.cancelled');
  await button('billing:pending.cancel').waitFor({ state: 'detached' });
  assert.strictEqual((await billing()).pending, null);
  await choose('traffic', 'day', 'next-midnight');
  await says('billing:pending.title', { choice: text('billing:choices.traffic-day') });
  assert.strictEqual((await billing()).pending.period, 'day');

  // A pack: not by customers at first, and one is told whom to ask; then the operator lets them.
  const packs = async () => (await api('GET', '/resource-packs')).json.total;
  const before = await packs();
  const buy = async () => {
    await button('billing:products.buy-name', page, { name: '100-gb' }).click();
    await sure('billing:products.ask', { name: '100-gb' }, 'billing:products.buy');
  };
  await menu('packs');
  expect('403 POST /v1/resource-packs');
  await buy();
  await says('billing:products.ask-operator');
  assert.strictEqual(await packs(), before);
  const { revision: _, updated: __, ...policy } = (await api('GET', '/policy', undefined, asked.operator)).json;
  assert.strictEqual((await api('PUT', '/policy', { ...policy, customers_buy_packs: true }, asked.operator)).status, 200);
  await buy();
  await says('billing:products.bought', { name: '100-gb' });
  const mine = page.getByRole('region', { name: text('billing:packs.mine') });
  await mine.getByRole('row').nth(before + 1).waitFor();
  assert.strictEqual(await packs(), before + 1);

  // The bill, figure by figure as the API has it, each exact to the micro-unit.
  const bill = (await api('GET', '/bills/1')).json;
  const money = (micro) => `${(micro / 1e6).toLocaleString(language, { minimumFractionDigits: 2, maximumFractionDigits: 6 })} ${bill.currency}`;
  await menu('bills');
  await link('billing:bills.number-of', page, { number: 1 }).click();
  await page.getByRole('heading', { level: 1, name: text('billing:bill.title', { number: 1 }) }).waitFor();
  await says('billing:what-if.title');
  assert.strictEqual(bill.charges[0].method, 'traffic');
  assert(bill.charges[0].lines.length > 1 && bill.amount > 0, 'a bill with one tier shows little');
  const card = (key) => page.locator('.ant-card').filter({ has: heading(key) });
  for (const [key, charges, sum] of [['billing:bill.charges', bill.charges, bill.amount], ['billing:what-if.title', bill.what_if.charges, bill.what_if.amount]]) {
    const amounts = charges.flatMap((charge) => charge.lines.map((line) => line.amount));
    assert.strictEqual(amounts.reduce((a, b) => a + b, 0), sum);
    const rows = card(key).locator('tbody tr.ant-table-row');
    assert.strictEqual(await rows.count(), amounts.length);
    for (const [n, amount] of amounts.entries()) assert.strictEqual(await rows.nth(n).locator('td').last().innerText(), money(amount));
    await card(key).getByText(money(sum), { exact: true }).last().waitFor();
  }
  const difference = bill.what_if.amount - bill.amount;
  await says(difference > 0 ? 'billing:what-if.more' : 'billing:what-if.less', { amount: money(Math.abs(difference)) });
  await button('billing:bill.again').click();
  await see(text('billing:verdict.equal'));
  return { ok: true };
});
