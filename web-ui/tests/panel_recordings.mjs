// Recorders and recordings: start, marker and end; pages; what is done with one; deleting what cannot be brought back. What is
// recorded here holds no media: desk.mjs plays some. Part of panel.mjs, whose tools it uses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channel, orders, page, reads, until, url } from './rig.mjs';

const RECORDINGS = 'section[aria-labelledby="recordings"]';
export function recorded({ go, shot, accessible, inTime, brief }) {
  const question = () => page.locator('[data-band="consent"]');
  const rows = () => page.locator(`${RECORDINGS} tr[data-recording]`);
  const row = (title) => page.locator(`${RECORDINGS} tr[data-recording]`, { hasText: new RegExp(`${title}(?!\\d)`) });
  const opened = () => page.locator('tr.opened');

  test('a recording is begun, marked and ended; its end is confirmed', async () => {
    await go('recordings');
    const recorder = page.locator('section[aria-labelledby="now"] tbody tr', { hasText: 'archive' });
    const button = (name) => recorder.getByRole('button', { name });
    await until(() => button('Start recording').isEnabled(), Boolean, 'a recorder is there');
    await button('Start recording').click();
    await reads(recorder, /● \d\d:\d\d:\d\d.*Start recording archive: confirmed/s, 'it records');
    await recorder.getByLabel('What is to be found again').fill('the goal');
    const asked = page.waitForRequest('**/recording');
    await recorder.getByRole('button', { name: 'Set a marker' }).click();
    assert.deepEqual((await asked).postDataJSON(), { action: 'marker', text: 'the goal' });
    await reads(recorder, /Marker archive: confirmed/, 'it is marked');
    assert.equal(await recorder.locator('td').nth(5).textContent(), '1', 'one marker');
    assert.equal(await recorder.getByLabel('What is to be found again').inputValue(), '', 'taken, and gone');
    await shot('recorder');
    await accessible('a recorder that runs');
    const ends = async () => {
      await button('End recording').click(brief);
      await question().waitFor(brief);
      await page.waitForTimeout(450);
      await question().locator('.confirm').click(brief);
    };
    await inTime(ends, async () => /○/.test(await recorder.locator('td').nth(2).textContent()), 'ended');
    assert.ok(orders.includes(`${channel}/destinations/archive/recording`));
  });

  test('recordings come in pages, newest first', async () => {
    await until(
      () => rows().count(),
      (many) => many === 50,
      'a page',
    );
    assert.match(await rows().first().textContent(), /Show 59/);
    const older = page.locator(RECORDINGS).getByRole('button', { name: 'Older' });
    await older.click();
    await until(
      () => rows().count(),
      (many) => many === 10,
      'the rest',
    );
    assert.match(await rows().last().textContent(), /Show 0/);
    assert.ok(await older.isDisabled(), 'there is no more');
    await page.locator(RECORDINGS).getByRole('button', { name: 'Newer' }).click();
    await until(
      () => rows().count(),
      (many) => many === 50,
      'the first page again',
    );
  });

  test('what cannot be played says so, and the player is fetched only then', async () => {
    const fetched = [];
    page.on('request', (request) => fetched.push(new URL(request.url()).pathname));
    await row('Show 59').getByRole('button').click();
    await opened().waitFor();
    await accessible('an opened recording');
    await shot('recording-opened');
    assert.ok(!fetched.includes('/assets/hls.js'));
    await opened().getByRole('button', { name: 'Play' }).click();
    await reads(opened().locator('.player .trouble'), /It cannot be played: manifest/, 'no media are in it');
    assert.equal(fetched.filter((one) => one === '/assets/hls.js').length, 1);
    await accessible('a recording that cannot be played');
  });

  test('a recording is protected, compared with its checksums, cut; what makes no sense is refused beside it', async () => {
    const remove = opened().getByRole('button', { name: 'Delete …' });
    await opened().getByRole('button', { name: 'Protect', exact: true }).click();
    await reads(row('Show 59'), /protected/, 'protected');
    assert.ok(await remove.isDisabled());
    await opened().locator('.hindered', { hasText: 'It is protected.' }).waitFor();
    await opened().getByRole('button', { name: 'Protect no more' }).click();
    await until(() => remove.isEnabled(), Boolean, 'protected no more');
    await opened().getByRole('button', { name: 'Verify' }).click();
    const jobs = page.locator('section[aria-labelledby="jobs"] tr[data-job]');
    await reads(jobs.first(), /Verify.*(done|failed)/s, 'the job has ended');
    const clip = opened().getByRole('form', { name: /^Clip / });
    await clip.getByLabel('From').fill('soon');
    const asked = page.waitForRequest('**/clip');
    await clip.getByLabel('as one MP4').check();
    await clip.getByRole('button', { name: 'Clip' }).click();
    const none = { to: null, title: null, exact: false };
    assert.deepEqual((await asked).postDataJSON(), { from: 'soon', movie: true, ...none });
    await clip.locator('.trouble', { hasText: 'impossible' }).waitFor();
    assert.equal(await clip.getByLabel('From').inputValue(), 'soon', 'what was typed stays');
    const upload = opened().getByRole('form', { name: /^Upload / });
    await upload.getByLabel('To the destination').fill('moon');
    await upload.getByRole('button', { name: 'Upload' }).click();
    await upload.locator('.trouble', { hasText: 'impossible' }).waitFor();
    await accessible('a recording whose orders were refused');
  });

  test('a job that goes on can be stopped', async () => {
    const at = '2026-11-21T10:00:00Z';
    const job = { id: 7, kind: 'upload', channel, recording: 'show', state: 'running', progress: 0.4, text: 'sends' };
    const jobs = [{ ...job, asked: at, ended: null, result: null }];
    const asked = [];
    await page.route('**/api/v1/recording-jobs', (route) =>
      route.fulfill({ json: { items: jobs, next_cursor: null } }),
    );
    await page.route('**/api/v1/recording-jobs/7', (route) => {
      asked.push(route.request().method());
      jobs[0] = { ...jobs[0], state: 'stopped', ended: at };
      return route.fulfill({ json: jobs[0] });
    });
    await page.getByRole('button', { name: 'Stop Upload show' }).click();
    await reads(page.locator('tr[data-job="7"]'), /stopped/, 'it has stopped');
    assert.deepEqual(asked, ['DELETE']);
    await page.unroute('**/api/v1/recording-jobs');
    await page.unroute('**/api/v1/recording-jobs/7');
  });

  test('what cannot be brought back wants its name typed', async () => {
    const id = (await row('Show 59').getAttribute('data-recording')).split('/')[1];
    const there = async () => (await fetch(`${url}/api/v1/recordings/${channel}/${id}`)).status;
    await opened().getByRole('button', { name: 'Delete …' }).click();
    await reads(question(), new RegExp(`recording ${id} \\(Show 59\\).* is gone for good`), 'what it would do');
    const field = question().getByLabel(`Type ${id}`);
    assert.ok(await field.evaluate((node) => node === document.activeElement), 'the keyboard is where it is typed');
    await field.fill('Show 59');
    await page.keyboard.press('Enter');
    assert.ok(await question().locator('.confirm').isDisabled(), 'another name confirms nothing');
    await accessible('a name is to be typed');
    await shot('delete-asks');
    await question().getByRole('button', { name: 'Keep' }).click();
    assert.equal(await there(), 200);
    await opened().getByRole('button', { name: 'Delete …' }).click();
    await field.fill(id);
    await page.waitForTimeout(450);
    await page.keyboard.press('Enter');
    await row('Show 59').waitFor({ state: 'hidden' });
    assert.equal(await there(), 404);
  });
}
