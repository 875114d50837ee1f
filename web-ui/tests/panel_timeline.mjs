// The page of the timeline: what an earlier run has left, page by page, filtered and saved. Part of panel.mjs.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { page, until } from './rig.mjs';

const rows = () => page.locator('main tbody tr');
const button = (name) => page.getByRole('button', { name, exact: true });

/** What the stage has written down before it began: 130 takes, an alarm, a gap. */
const LEFT = 132;

export function timeline({ go, shot, accessible }) {
  const counted = (many, what) =>
    until(
      () => rows().count(),
      (shown) => shown === many,
      what,
    );

  test('the timeline goes back before this run, each entry once, and names the gap', async () => {
    await go('timeline');
    // What somebody has pressed in this browser may be there beside.
    const fixed = page.getByLabel('Act', { exact: true });
    await fixed.uncheck();
    await counted(100, 'the newest page');
    await accessible('the timeline');
    await button('Older').click();
    await counted(LEFT, 'all of it');
    assert.equal(await button('Older').isDisabled(), true, 'there is no more');
    const texts = await rows().locator('td:last-child').allTextContents();
    const takes = texts.map((text) => /^take (\d+)/.exec(text)?.[1]).filter(Boolean);
    assert.deepEqual(
      takes,
      Array.from({ length: 130 }, (_, n) => String(129 - n)),
      'newest first, each once',
    );
    const gap = page.locator('tr.kind-gap');
    assert.match(await gap.textContent(), /10 min 00 s not known, from 2/);
    await shot('timeline');
  });

  test('the timeline is filtered by keyboard and saved as it is filtered', async () => {
    for (const kind of ['Program', 'Act', 'Gap', 'Other event']) {
      const box = page.getByLabel(kind, { exact: true });
      await box.focus();
      if (await box.isChecked()) await page.keyboard.press('Space');
    }
    await counted(1, 'the alarm alone');
    assert.equal(await page.getByLabel('Alarm', { exact: true }).isDisabled(), true, 'one kind stays');
    await accessible('the timeline of alarms');
    const coming = page.waitForEvent('download');
    await button('Save as CSV').click();
    const lines = (await readFile(await (await coming).path(), 'utf8')).split('\r\n');
    assert.equal(lines.length, 3, 'a head, the alarm, an end');
    assert.match(
      lines[1],
      /"alarm","error","demo","source_black.demo.cam-1","","alarm_raised","the picture is black",""$/,
    );
    await page.getByLabel('Program', { exact: true }).check();
    await page.getByLabel('To (UTC)').fill('2001-01-01T00:00');
    await page.getByText('Nothing was written down that fits.').waitFor();
    await accessible('an empty timeline');
  });

  test('a timeline that cannot be read says why, and comes back', async () => {
    await page.route('**/api/v1/timeline*', (route) => {
      const json = { title: 'The timeline cannot be read', detail: 'the disk hangs', code: 'timeline_unavailable' };
      return route.fulfill({ status: 503, contentType: 'application/problem+json', json });
    });
    await go('on-air');
    await go('timeline');
    await page.getByText('the disk hangs').waitFor();
    await accessible('a timeline that cannot be read');
    await page.unroute('**/api/v1/timeline*');
    await button('Try again').click();
    await page.getByText('alarm_raised').waitFor();
  });
}
