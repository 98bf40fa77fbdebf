// By the keyboard alone: signing in, to the WebSocket switch of a domain, on, off with its question, and its settings. After
// each dialog the focus is where it was. Everything moves as it does for most people.
'use strict';
const assert = require('node:assert');
const { asked, story, dial, echoes, refused } = require('./story.cjs');

story(async ({ page, many, button, link, field, dialog, gone, see, effect, base }) => {
  const keys = page.keyboard;
  const focused = (place) => place.evaluate((e) => e === document.activeElement);
  // A field's frame shows it for the field.
  const shows = (e) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(e.closest('.ant-input-affix-wrapper, .ant-input-number') ?? e);
    return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
  };
  // To where it can be seen that one is.
  const tab = async (place, key = 'Tab') => {
    await place.waitFor();
    for (let n = 0; n < 60; n++) {
      if (await focused(place)) return page.waitForFunction(shows, await place.elementHandle());
      await keys.press(key);
    }
    throw new Error(`not to be reached by ${key}: ${place}`);
  };
  const backAt = async (place) => page.waitForFunction((e) => e === document.activeElement, await place.elementHandle());

  await page.goto(`${base}/sign-in`);
  await backAt(field('access:email'));
  await keys.type(asked.customer);
  await tab(field('access:password'));
  await keys.type(asked.password);
  await keys.press('Enter');
  await page.waitForURL('**/domains');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await tab(link('shell:skip'));
  await keys.press('Enter');
  await tab(link('domains:configure', page.locator('.ant-table-row').filter({ hasText: asked.host })));
  await keys.press('Enter');
  await page.waitForURL('**/basics');
  await tab(link('configure:tabs.websocket'));
  await keys.press('Enter');

  await refused();
  const onOff = page.getByRole('switch', { name: 'WebSocket', exact: true });
  const switched = (on) => page.locator(`#websocket-switch[aria-checked="${on}"]:not(.ant-switch-loading)`).waitFor();
  await tab(onOff);
  await keys.press('Space');
  await switched(true);
  await effect();
  const client = await dial();
  await echoes(client);
  assert(await focused(onOff));

  // The question begins at the harmless answer; Escape is one, too.
  const question = async () => {
    await keys.press('Space');
    const box = await dialog('configure:websocket.off-title', { name: asked.host });
    await backAt(button('common:cancel', box));
    return box;
  };
  let box = await question();
  await keys.press('Escape');
  await gone(box);
  await backAt(onOff);
  box = await question();
  await keys.press('Enter');
  await gone(box);
  await backAt(onOff);
  await echoes(client);
  box = await question();
  await tab(button('configure:websocket.off-do', box));
  await keys.press('Enter');
  await gone(box);
  await switched(false);
  await effect();
  await backAt(onOff);
  await refused();

  await tab(button('common:modify'));
  await keys.press('Enter');
  box = await dialog('configure:dialog.title', { name: asked.host });
  await page.waitForFunction((e) => e.contains(document.activeElement), await box.elementHandle());
  await tab(field('configure:dialog.connection_timeout', box));
  await keys.press('Control+A');
  await keys.type('90');
  await tab(button('common:ok', box));
  await keys.press('Enter');
  await gone(box);
  await see(many('configure:quantity.s', 90));
  await backAt(button('common:modify'));
  return { ok: true };
}, 150_000, { motion: true });
