// The monitor of the documents: bandwidth, traffic and HTTP status codes by time range, interval, region, ISP and domain; the
// files it gives; and live, seconds after a client has spoken. Every figure is held against the API's own.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const { asked, story, api, eventually, settled, dial, echoes } = require('./story.cjs');

story(async (person) => {
  const { page, text, language, button, field, says, choose, signIn, menu, see } = person;
  // As people read figures (parts/format.ts), written down once more.
  const number = (n, most = 0) => n.toLocaleString(language, { maximumFractionDigits: most });
  const scaled = (n, units) => {
    let i = 0;
    for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
    return `${number(n, n < 10 ? 2 : n < 100 ? 1 : 0)} ${units[i]}`;
  };
  const bytes = (n) => scaled(n, ['B', 'kB', 'MB', 'GB', 'TB']);
  const bits = (n) => scaled(n, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s']);
  const tab = (key) => page.getByRole('tab', { name: text(`monitor:tabs.${key}`), exact: true }).click();
  const fact = (key) => page.locator('.ant-card').filter({ has: page.getByText(text(key), { exact: true }) }).last();
  // What the page asks for next of that kind and with that setting, and the answer.
  const answerOf = async (kind, name, value, act) => {
    const [response] = await Promise.all([
      page.waitForResponse((r) => new URL(r.url()).pathname === `/v1/statistics/${kind}` && new URL(r.url()).searchParams.get(name) === value), act()]);
    const answer = await response.json();
    await settled(page);
    return { query: new URL(response.url()).searchParams, answer };
  };

  const clients = [await dial(), await dial()];
  for (const client of clients) await echoes(client);
  await signIn(asked.customer, asked.password);
  await menu('monitor');
  await fact('monitor:open-now').getByText('2', { exact: true }).waitFor();

  // The query of the documents: a domain, three days, an interval, a region, an ISP.
  await page.getByText(text('monitor:preset.3d'), { exact: true }).click();
  await choose(field('monitor:domains'), asked.quiet);
  await page.keyboard.press('Escape');
  await choose(field('monitor:interval'), text('monitor:intervals.3600'));
  const german = new Intl.DisplayNames([language], { type: 'region' }).of('DE');
  await choose(field('monitor:region'), new RegExp(german));
  const { query, answer } = await answerOf('bandwidth', 'isp', 'AS3320', () => choose(field('monitor:isp'), 'AS3320'));
  assert.deepStrictEqual(['domain', 'interval', 'region', 'isp'].map((name) => query.get(name)), [asked.quiet, '3600', 'DE', 'AS3320']);
  assert.strictEqual(Date.parse(query.get('end_time')) - Date.parse(query.get('start_time')), 3 * 86_400_000);
  const peak = answer.series[0].out.peak;
  assert(peak > 0);
  await fact('monitor:peak').getByText(bits(peak), { exact: true }).waitFor();

  // The chart as a table, as a file, and as a picture.
  const figure = page.getByRole('region', { name: text('monitor:bandwidth-title') });
  const saved = async (name) => {
    const coming = page.waitForEvent('download');
    await figure.getByRole('button', { name, exact: true }).click();
    const download = await coming;
    assert.match(download.suggestedFilename(), new RegExp(`^fairlead-.*\\.${name.toLowerCase()}$`));
    return fs.readFileSync(await download.path());
  };
  await figure.locator('canvas').first().waitFor();
  const picture = await saved('PNG');
  assert.deepStrictEqual([...picture.subarray(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10]);
  assert(picture.readUInt32BE(16) > 600 && picture.length > 4000, 'a picture of nothing');
  await button('monitor:as-table', figure).click();
  const rows = figure.getByRole('row');
  await rows.filter({ hasText: text('monitor:slot-state.running') }).waitFor(); // the last interval still grows

  await tab('traffic');
  const traffic = page.getByRole('region', { name: text('monitor:traffic-title.bytes') });
  const [asks, download] = await Promise.all([
    page.waitForRequest((r) => r.url().includes('format=csv')), page.waitForEvent('download'), traffic.getByRole('button', { name: 'CSV', exact: true }).click()]);
  const lines = fs.readFileSync(await download.path(), 'utf8').trim().split(/\r?\n/).filter((line) => !line.startsWith('#'));
  const same = new URL(asks.url());
  same.searchParams.delete('format');
  const counted = (await api('GET', same.href.split('/v1')[1])).json.series[0];
  const at = lines[0].split(',').indexOf('bytes_out');
  const sum = lines.slice(1).reduce((all, line) => all + Number(line.split(',')[at]), 0);
  assert(at > 0 && sum > 0 && lines.length - 1 === counted.points.length, lines[0]);
  assert.strictEqual(sum, counted.total.bytes_out);
  await page.getByRole('table', { name: text('monitor:totals') }).or(page.locator(`[aria-label="${text('monitor:totals')}"]`)).first()
    .getByText(bytes(counted.total.bytes_out), { exact: true }).first().waitFor();

  // What has not begun is told as having no data, and not drawn as nothing.
  const hour = 3_600_000;
  const time = (ms) => new Date(Math.floor((Date.now() + ms) / hour) * hour).toISOString().replace('.000', '');
  await person.go(`/monitor?domain=${asked.quiet}&from=${time(-5 * hour)}&to=${time(3 * hour)}&interval=300`);
  await page.getByText(text('monitor:notes.future', { end: '\u0001' }).split('\u0001')[0]).first().waitFor();
  await button('monitor:as-table', figure).click();
  await figure.getByText(text('monitor:no-data')).first().waitFor();

  // HTTP status codes: what was opened, and what was refused just now.
  await person.go(`/monitor?tab=codes&domain=${asked.host}&range=1h`);
  const code = (n) => page.locator(`[aria-label="${text('monitor:codes-table')}"]`).getByRole('row').filter({ hasText: new RegExp(`^\\s*${n}`) });
  await code(101).waitFor();
  assert.strictEqual(await code(426).count(), 0);
  assert.strictEqual((await dial({ version: 8 })).status, 426);
  await eventually(async () => {
    await button('monitor:refresh').click();
    return (await code(426).count()) > 0;
  }, 'the refusal among the codes');

  await tab('sessions');
  await page.getByRole('region', { name: text('monitor:session-title.open') }).locator('canvas').first().waitFor();

  // Live: a rate within seconds of a client speaking.
  await tab('live');
  await says('monitor:live.state.live');
  await fact('monitor:open-now').getByText('2', { exact: true }).waitFor();
  const spoke = Date.now();
  const talk = setInterval(() => clients[0].send('x'.repeat(5000)), 100);
  const rate = fact('monitor:live.bits-in').getByText(/[1-9][\d.,]* [kM]bit\/s/);
  await rate.waitFor({ timeout: 15_000 });
  const late = Date.now() - spoke;
  clearInterval(talk);
  const live = page.getByRole('table').filter({ hasText: asked.host }).first();
  await live.getByText(asked.host, { exact: true }).waitFor();
  await see(text('monitor:live.by-domain'));
  for (const client of clients) client.close();
  await fact('monitor:open-now').getByText('0', { exact: true }).waitFor();
  return { ok: true, 'a rate after ms': late };
});
