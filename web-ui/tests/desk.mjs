// The panel's hands on a real channel: what is pressed is done by the engine, and what was recorded plays. What it is told by
// is in rig.mjs, and beside that:
//   UPLINK_BACKUP  the origin that is the backup of the destination `origin`; `archive` records
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channel, closes, open, page, reads, until, url } from './rig.mjs';

const shot = open('/', { width: 1600, height: 1000 }, true);
const backup = process.env.UPLINK_BACKUP;
const BRIEF = { timeout: 4000 };

async function go(name) {
  await page.locator(`.rail a[href="#/${name}"]`).click();
}

/** Two steps that belong together in time: on a machine that stands still meanwhile they are done again. */
async function inTime(steps, done, what) {
  for (let attempt = 0; attempt < 8; attempt += 1) {
    await steps().catch(() => {});
    const end = Date.now() + 10_000;
    while (Date.now() < end) {
      if (await done()) return;
      await page.waitForTimeout(50);
    }
  }
  throw new Error(`${what}: not in eight attempts`);
}

/** The daemon's question, answered. */
async function confirm(press) {
  await press();
  const question = page.locator('[data-band="consent"]');
  await question.waitFor(BRIEF);
  await page.waitForTimeout(450);
  await question.locator('.confirm').click(BRIEF);
}

test('the charts of a channel on air have what its engine measures', async () => {
  await go('destinations');
  const waiting = page.locator('.chart[data-chart$="/waiting"]').first();
  await waiting.locator('canvas').waitFor();
  await page.evaluate((id) => {
    location.hash = `#/channels/${id}`;
  }, channel);
  const chart = page.locator('.chart[data-chart^="rendition/"]').first();
  await chart.locator('canvas').waitFor();
  const points = async () => Number(await chart.getAttribute('data-points'));
  await until(points, (many) => many >= 10, 'a point for each second');
  const { report } = await (await fetch(`${url}/api/v1/channels/${channel}`)).json();
  const [{ id, target }] = report.renditions;
  await chart.getByText(`Bit rate of ${id}`).waitFor();
  // What is measured is of the order of what is wanted: no unit was lost on the way.
  const read = async () => (await chart.locator('.readout').textContent()).match(/Measured ([\d.]+) ([kM])bit/);
  const [, number, unit] = await until(read, Boolean, 'it is measured');
  const measured = Number(number) * (unit === 'M' ? 1e6 : 1e3);
  assert.ok(measured > target / 20 && measured < target * 5, `${measured} for ${target}`);
  await shot('charts-of-a-channel');
});

test('a destination is sent to its backup, which players have then, and back to the rules', async () => {
  await go('destinations');
  const row = page.locator('section[aria-labelledby="all"] tbody tr', { hasText: 'primary: active' });
  const forced = page.locator('section[aria-labelledby="all"] tbody tr', { hasText: 'forced to backup-1' });
  await row.waitFor();
  const twice = (where, name) => async () => {
    await where.getByRole('button', { name }).first().click(BRIEF);
    await page.waitForTimeout(450);
    await where.locator('.sure .confirm').click(BRIEF);
  };
  const fails = twice(row, 'Fail over to backup-1');
  await inTime(fails, async () => (await forced.count()) > 0, 'failed over');
  await reads(forced, /backup-1: active/, 'the backup delivers');
  await reads(forced.locator('.message'), /Fail over origin: confirmed/, 'the panel says so');
  const played = async () => (await fetch(`${backup}/live/${channel}/multivariant.m3u8`).catch(() => null))?.status;
  await until(played, (status) => status === 200, 'players have it at the backup');
  await shot('failed-over');
  await inTime(twice(forced, 'Back to the rules'), async () => (await forced.count()) === 0, 'by the rules');
  await row.waitFor();
});

/** The recording that the tests are about, `channel/id`. */
let recording = '';
const RECORDED = 'section[aria-labelledby="recordings"] tr[data-recording]';
const opened = () => page.locator('tr.opened');
const jobs = (kind) => page.locator('section[aria-labelledby="jobs"] tr[data-job]', { hasText: kind });

/** It plays on: its time moves, and it has pictures. */
async function plays(what) {
  const video = opened().locator('video');
  const look = () => video.evaluate((node) => ({ time: node.currentTime, wide: node.videoWidth, ended: node.ended }));
  await until(look, ({ time, wide, ended }) => wide > 0 && (time > 0.5 || ended), what).catch(async (error) => {
    const trouble = await opened().locator('.player').textContent();
    throw new Error(`${what}: ${trouble}`, { cause: error });
  });
}

test('a recording is marked, ended and played, from its marker, too', async () => {
  await go('recordings');
  const recorder = page.locator('section[aria-labelledby="now"] tbody tr', { hasText: 'archive' });
  await reads(recorder, /● \d\d:\d\d:\d\d/, 'it records');
  await recorder.getByLabel('What is to be found again').fill('the goal');
  await recorder.getByRole('button', { name: 'Set a marker' }).click();
  await reads(recorder, /Marker archive: confirmed/, 'it is marked');
  // Some segments behind the marker.
  const seconds = async () => {
    const { items } = await (await fetch(`${url}/api/v1/recordings`)).json();
    return items[0] && Date.parse(items[0].ends) - Date.parse(items[0].markers[0]?.at);
  };
  await until(seconds, (behind) => behind > 4000, 'it goes on');
  const ends = () => confirm(() => recorder.getByRole('button', { name: 'End recording' }).click(BRIEF));
  await inTime(ends, async () => /○/.test(await recorder.textContent()), 'ended');
  const row = page.locator(RECORDED, { hasText: 'the goal' });
  await reads(row, /✓ complete.*the goal/s, 'it is whole');
  recording = await row.getAttribute('data-recording');
  await row.getByRole('button').click();
  await opened().getByRole('button', { name: 'Play' }).click();
  await plays('the recording plays');
  const video = opened().locator('video');
  await video.evaluate((node) => node.pause());
  const { items } = await (await fetch(`${url}/api/v1/recordings`)).json();
  const into = (Date.parse(items[0].markers[0].at) - Date.parse(items[0].begins)) / 1000;
  await opened().locator('.player .row button', { hasText: 'the goal' }).click();
  const time = () => video.evaluate((node) => node.currentTime);
  await until(time, (at) => Math.abs(at - into) < 0.2, `it is at its marker, ${into} s`);
  await shot('recording-plays');
});

test('a recording is cut at its marker, made into a movie that plays, and sent until somebody stops that', async () => {
  const clip = opened().getByRole('form', { name: /^Clip / });
  await clip.getByLabel('From').fill('marker:the goal');
  await clip.getByLabel('Title').fill('goal');
  await clip.getByRole('button', { name: 'Clip' }).click();
  await reads(jobs('Clip'), /done/, 'it is cut');
  await until(
    () => page.locator(RECORDED).count(),
    (many) => many === 2,
    'it is a recording of its own',
  );
  const stitch = opened().getByRole('form', { name: /^Stitch / });
  await stitch.getByRole('button', { name: 'Stitch' }).click();
  await reads(jobs('Stitch'), /done/, 'the movie is made');
  await opened()
    .getByRole('button', { name: /^Play .*\.mp4/ })
    .click();
  await plays('the movie plays');
  const upload = opened().getByRole('form', { name: /^Upload / });
  await upload.getByLabel('To the destination').fill('origin');
  await upload.getByLabel('At most').fill('0.05');
  await upload.getByRole('button', { name: 'Upload' }).click();
  await reads(jobs('Upload'), /running|done/, 'it is being sent');
  // What is live at the origin need not be sent: it may be done before somebody stops it.
  await jobs('Upload')
    .getByRole('button', { name: /^Stop Upload/ })
    .click({ timeout: 2000 })
    .catch(() => {});
  await reads(jobs('Upload'), /stopped|done/, 'somebody has stopped that, or all of it is there');
  await opened().getByRole('button', { name: 'Verify' }).click();
  await reads(jobs('Verify'), /done/, 'it is what was written');
  await shot('recording-jobs');
});

test('a recording is deleted by who types its name', async () => {
  const id = recording.split('/')[1];
  await opened().locator('.acts').getByRole('button', { name: 'Delete …' }).click();
  const question = page.locator('[data-band="consent"]');
  await question.locator('input').fill(id);
  await page.waitForTimeout(450);
  await page.keyboard.press('Enter');
  const gone = async () => (await fetch(`${url}/api/v1/recordings/${channel}/${id}`)).status;
  await until(gone, (status) => status === 404, 'it is gone');
  await page.locator(`tr[data-recording="${recording}"]`).waitFor({ state: 'hidden' });
});

closes();
