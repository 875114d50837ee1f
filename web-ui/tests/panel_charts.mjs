// Charts with what a live channel measures, and loudness against its target. Part of panel.mjs, whose tools it uses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, channel, freezes, page, pid, until } from './rig.mjs';

const chart = () => page.locator('.chart[data-chart^="rendition/"]').first();
const number = async (name) => Number(await chart().getAttribute(name));
const readout = () => chart().locator('.readout').textContent();

/** How many points of the screen are of this colour of the page, on this canvas. */
const inked = (canvas, name) =>
  canvas.evaluate((node, colour) => {
    const style = getComputedStyle(node);
    const probe = document.createElement('canvas').getContext('2d');
    probe.fillStyle = style.getPropertyValue(colour).trim();
    probe.fillRect(0, 0, 1, 1);
    const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
    const { data } = node.getContext('2d').getImageData(0, 0, node.width, node.height);
    let many = 0;
    for (let at = 0; at < data.length; at += 4) {
      const far = Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue);
      if (data[at + 3] > 200 && far < 24) many += 1;
    }
    return many;
  }, name);

/** Canvases that the page still holds, after a collection. */
async function canvases(session) {
  await session.send('HeapProfiler.collectGarbage');
  const { result } = await session.send('Runtime.evaluate', { expression: 'HTMLCanvasElement.prototype' });
  const { objects } = await session.send('Runtime.queryObjects', { prototypeObjectId: result.objectId });
  const all = { functionDeclaration: 'function () { return this.length; }', objectId: objects.objectId };
  const { result: many } = await session.send('Runtime.callFunctionOn', { ...all, returnByValue: true });
  await session.send('Runtime.releaseObject', { objectId: objects.objectId });
  return many.value;
}

export function charts({ go, shot, accessible }) {
  test('a chart has a point for each second of a live channel, its target, and its words', async () => {
    await go(`channels/${channel}`);
    const canvas = chart().locator('canvas');
    await canvas.waitFor();
    const before = await number('data-points');
    await until(
      () => number('data-points'),
      (many) => many >= Math.max(4, before + 2),
      'points come',
    );
    await until(
      () => inked(canvas, '--meter'),
      (many) => many > 3,
      'the line is drawn',
    );
    await until(
      () => inked(canvas, '--text'),
      (many) => many > 5,
      'so is its target',
    );
    assert.match(await readout(), /^\d\d:\d\d:\d\d UTC: Measured .*bit\/s, Target .*bit\/s$/);
    const plot = chart().getByRole('slider', { name: /Bit rate of .*: Measured: .* to .* in the last ten minutes/ });
    await plot.waitFor();
    await shot('charts');
    await accessible('charts');
  });

  test('a chart is read at any moment, by pointer and by keyboard', async () => {
    const plot = chart().locator('.plot');
    const newest = await number('data-points');
    assert.ok(newest > 3);
    await plot.focus();
    await page.keyboard.press('Home');
    const first = await until(readout, (text) => text.includes('UTC'), 'the oldest is read');
    await page.keyboard.press('ArrowRight');
    await until(readout, (text) => text !== first, 'the next one');
    // Both of one moment.
    const both = await chart().evaluate((node) => [
      node.querySelector('.plot').ariaValueText,
      node.querySelector('.readout').textContent,
    ]);
    assert.equal(both[0], both[1]);
    await page.keyboard.press('End');
    const last = await readout();
    assert.ok(last.slice(0, 8) > first.slice(0, 8), `${first} is before ${last}`);
    const box = await chart().locator('.u-over').boundingBox();
    await page.mouse.move(box.x + box.width - 3, box.y + box.height / 2);
    await chart().locator('.u-cursor-x').waitFor();
    await page.mouse.move(0, 0);
  });

  test('a chart follows its box and the theme', async () => {
    const wide = () =>
      chart()
        .locator('canvas')
        .evaluate((node) => node.clientWidth);
    const box = () =>
      chart()
        .locator('.plot')
        .evaluate((node) => node.clientWidth);
    const before = await wide();
    await page.setViewportSize({ width: 500, height: 900 });
    const now = await box();
    assert.notEqual(now, before);
    await until(wide, (width) => Math.abs(width - now) <= 1, 'it is as wide as its box');
    await page.setViewportSize({ width: 1920, height: 1080 });
    await page.getByRole('button', { name: 'Light colours' }).click();
    await until(
      () => inked(chart().locator('canvas'), '--meter'),
      (many) => many > 3,
      'in the colours of the light',
    );
    // What is below the head is not looked at.
    await page.evaluate(() => scrollTo(0, 0));
    await shot('charts-light');
    await accessible('charts in the light');
    await page.getByRole('button', { name: 'Dark colours' }).click();
  });

  test('a time in which nothing was heard is a hole in the line', freezes, async () => {
    const before = await number('data-holes');
    process.kill(pid, 'SIGSTOP');
    await page.locator('[data-band="lost"]').waitFor();
    process.kill(pid, 'SIGCONT');
    await page.locator('.link.is-live').waitFor();
    await until(
      () => number('data-holes'),
      (many) => many > before,
      'there is a hole',
    );
    await until(
      () => inked(chart().locator('canvas'), '--edge'),
      (many) => many > 10,
      'which is hatched',
    );
    await shot('charts-hole');
    await page.getByRole('button', { name: 'Seen', exact: true }).first().click();
  });

  test('the destinations have theirs, and a page that is left holds none', async () => {
    await go('destinations');
    await page.locator('.chart[data-chart$="/waiting"] canvas').first().waitFor();
    await accessible('charts of destinations');
    const session = await page.context().newCDPSession(page);
    await go('sources');
    await page.locator('.chart').first().waitFor({ state: 'detached' });
    const held = await canvases(session);
    for (let visit = 0; visit < 6; visit += 1) {
      await go(visit % 2 ? 'destinations' : `channels/${channel}`);
      await page.locator('.chart canvas').first().waitFor();
      await go('sources');
      await page.locator('.chart').first().waitFor({ state: 'detached' });
    }
    await until(
      () => canvases(session),
      (many) => many <= held,
      `no more canvases than ${held}`,
    );
    await session.detach();
  });

  test('a chart that cannot be fetched says so, and its words are there', async () => {
    const other = await browser.newPage({ locale: 'en-GB' });
    await other.route('**/assets/uplot.js', (route) => route.abort());
    await other.goto(`${page.url().split('#')[0]}#/channels/${channel}`);
    const one = other.locator('.chart').first();
    await one.getByText('could not be fetched from this box').waitFor();
    assert.match(await one.textContent(), /Measured/);
    await accessible('charts that were not fetched', other);
    await other.close();
  });

  test('loudness is shown against its target, as a line and in words', async () => {
    await go('on-air');
    const tile = page.locator(`.tile[data-channel="${channel}"]`);
    const bar = tile.locator('canvas.lufs');
    await until(
      () => bar.getAttribute('aria-label'),
      (text) => /integrated -23\.1 LUFS; target -23\.0 ±1 LU: on target$/.test(text ?? ''),
      'in words',
    );
    assert.match(await tile.locator('.figures').textContent(), /Tgt-23 ±1/);
    // The line of the target goes over the whole bar: two rows of the screen are of the text's colour there.
    await until(
      () =>
        bar.evaluate((node) => {
          const colour = getComputedStyle(node).getPropertyValue('--text').trim();
          const [red] = [1].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
          const y = Math.round((1 - 18 / 27) * node.height);
          const { data } = node.getContext('2d').getImageData(26, y, 10, 1);
          return [...data].filter((_, at) => at % 4 === 0).filter((one) => Math.abs(one - red) < 8).length;
        }),
      (many) => many >= 9,
      'as a line',
    );
    await accessible('loudness against its target');
  });
}
