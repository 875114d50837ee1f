// What is done beside takes: destinations, freezes, alarms and their sound, a panel that an upgrade has left behind. Part of
// panel.mjs, whose tools it uses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channel, freezes, orders, page, pid, reads, until, url } from './rig.mjs';

const SESSION = /\/api\/v1\/session$/;
const TITLE = 'Evening briefing';
const BACKUP = 'Fail over to backup-1';
const ALARM = 'source_lost.studio-b.cam-1';

const question = () => page.locator('[data-band="consent"]');
/** A box with users, one of whom looks. */
async function as(role) {
  await page.unroute(SESSION);
  await page.route(SESSION, (route) => route.fulfill({ json: { access: 'login', name: 'ada', role } }));
  await page.reload();
  await page.locator('.person', { hasText: role }).waitFor();
}

async function asNobody() {
  await page.unroute(SESSION);
  await page.reload();
  await page.locator('.link.is-live').waitFor();
}

export function acts({ go, shot, accessible, inTime, brief }) {
  const row = () =>
    page.locator('section[aria-labelledby="all"] tbody tr', { hasText: TITLE }).filter({ hasText: 'origin-a' });
  const button = (name) => row().getByRole('button', { name: `${name} ${TITLE} / origin-a` });
  const confirmed = (what) =>
    reads(row().locator('.message'), new RegExp(`${what} origin-a: (confirmed|it was so)`), what);

  /** Confirmed in another place, before its time is up. */
  const twice = (name) => async () => {
    await button(name).click(brief);
    await page.waitForTimeout(450);
    await row().locator('.sure .confirm').click(brief);
  };

  /** Asked by the daemon, and answered. */
  const consented = (press) => async () => {
    await press();
    await question().waitFor(brief);
    await page.waitForTimeout(450);
    await question().locator('.confirm').click(brief);
  };

  test('a destination is sent to its backup and back to the rules, in two places', async () => {
    await go('destinations');
    await until(() => button(BACKUP).isEnabled(), Boolean, 'a backup is there');
    const before = orders.length;
    await button(BACKUP).dblclick();
    await row().locator('.sure').waitFor();
    await accessible('a failover that asks');
    await shot('failover-asks');
    await row().getByRole('button', { name: 'Keep' }).click();
    assert.deepEqual(orders.slice(before), [], 'nothing is sent by one press, or by a double click');
    const asked = page.waitForRequest(`**/channels/${channel}/set`);
    await inTime(twice(BACKUP), async () => /forced to backup-1/.test(await row().textContent()), 'failed over');
    assert.deepEqual((await asked).postDataJSON(), { set: 'endpoint', destination: 'origin-a', endpoint: 'backup-1' });
    await confirmed('Fail over');
    await reads(row(), /backup-1: active/, 'the backup delivers');
    const backed = page.locator('section[aria-labelledby="failover"] tr', { hasText: TITLE });
    await reads(backed, /backup-1 \(forced\).*primary → backup-1/s, 'the last switch');
    await accessible('a destination that is forced');
    await inTime(twice('Back to the rules'), async () => !/forced/.test(await row().textContent()), 'by the rules');
    await confirmed('Back to the rules');
    await reads(row(), /primary: active/, 'the primary delivers again');
  });

  test('a drill says what it has measured', async () => {
    const backed = page.locator('section[aria-labelledby="failover"] tr', { hasText: TITLE });
    await until(() => backed.getByRole('button').isEnabled(), Boolean, 'a drill is possible');
    await backed.getByRole('button', { name: `Drill ${TITLE} / origin-a` }).click();
    await reads(backed, /backup-1: 2\.1 s.*Drill origin-a: confirmed/s, 'what was measured');
  });

  test('a destination is switched off when somebody has confirmed what viewers would notice, and on again', async () => {
    await until(() => button('Disable …').isEnabled(), Boolean, 'it can be switched off');
    await button('Disable …').click();
    await reads(question(), /destination `origin-a` of channel `demo`.*gets nothing any more/, 'what it would do');
    await accessible('a destination that is to be switched off');
    await question().getByRole('button', { name: 'Keep' }).click();
    assert.match(await row().textContent(), /streaming/);
    const off = async () => /disabled/.test(await row().textContent());
    await inTime(
      consented(() => button('Disable …').click(brief)),
      off,
      'switched off',
    );
    await confirmed('Disable');
    assert.equal(await button(BACKUP).count(), 0, 'what gets nothing has no backup to go to');
    await shot('destination-disabled');
    await button('Enable').click();
    await reads(row(), /streaming/, 'it gets everything again');
    await confirmed('Enable');
    const configured = async () => (await button('As configured').count()) === 0;
    await inTime(
      consented(() => button('As configured').click(brief)),
      configured,
      'as configured',
    );
  });

  test('the same on the page of the channel', async () => {
    await go(`channels/${channel}`);
    const here = page.locator('section[aria-labelledby="destinations"] tr', { hasText: 'origin-a' });
    const sends = async () => {
      await here.getByRole('button', { name: BACKUP }).click(brief);
      await page.waitForTimeout(450);
      await here.locator('.sure .confirm').click(brief);
    };
    await inTime(sends, async () => /forced/.test(await here.textContent()), 'failed over');
    const returns = async () => {
      await here.getByRole('button', { name: 'Back to the rules' }).click(brief);
      await page.waitForTimeout(450);
      await here.locator('.sure .confirm').click(brief);
    };
    await inTime(returns, async () => !/forced/.test(await here.textContent()), 'by the rules');
  });

  test('what cannot be pressed says why: the role, the lock', async () => {
    const dead = async (why, words) => {
      await go('destinations');
      await row().locator(`.hindered[data-why="${why}"]`, { hasText: words }).waitFor();
      assert.equal(await row().locator('button:enabled').count(), 0, why);
      await accessible(`destinations, ${why}`);
    };
    await as('viewer');
    await dead('role', 'This needs the role operator.');
    await asNobody();
    await page.locator('.surface .lock').click();
    await dead('locked', 'This surface is locked.');
    const unlock = page.locator('.surface .lock.on');
    const twoPresses = async () => {
      await unlock.focus();
      await page.keyboard.press('Enter');
      await page.waitForTimeout(450);
      await page.keyboard.press('Enter');
    };
    await inTime(twoPresses, async () => (await unlock.count()) === 0, 'unlocked');
  });

  test('a freeze begins and ends in the panel, and says since when and why', async () => {
    await as('operator');
    await go('configuration');
    const form = page.getByRole('form', { name: 'Freeze for a show' });
    await form.locator('button:disabled').waitFor();
    await page.locator('.hindered', { hasText: 'This needs the role engineer.' }).waitFor();
    await as('engineer');
    await form.getByLabel('Why, for whoever is held by it').fill('Cup final');
    await form.getByLabel('It ends').selectOption('2');
    await form.getByLabel(TITLE).check();
    await accessible('the form of a freeze');
    await form.getByRole('button', { name: 'Freeze' }).click();
    const band = page.locator('[data-band="freeze"]');
    await reads(band, /FROZEN: Evening briefing, since .* UTC\s*, until .* UTC: Cup final/, 'the band');
    await reads(band, /an engineer breaks the glass/, 'how the glass is broken');
    await shot('freeze-band');
    await accessible('frozen, with its end');
    const { freeze } = await (await fetch(`${url}/api/v1/freeze`)).json();
    assert.deepEqual([freeze.reason, freeze.channels], ['Cup final', [channel]]);
    assert.equal(Date.parse(freeze.until) - Date.parse(freeze.since) > 7_000_000, true);

    await as('operator');
    assert.equal(await band.getByRole('button').count(), 0, 'an operator does not end it');
    await go('destinations');
    await row().locator('.hindered[data-why="frozen"]', { hasText: 'Cup final' }).waitFor();
    assert.ok(await button('Disable …').isDisabled());
    assert.ok(await button(BACKUP).isEnabled(), 'failover goes on');
    await accessible('destinations, frozen');

    await as('engineer');
    const over = async () => (await band.count()) === 0;
    const ends = consented(() => band.getByRole('button', { name: 'End the freeze' }).click(brief));
    await inTime(ends, over, 'it is over');
    await asNobody();
  });

  test('an alarm is put aside with a reason, taken back and acknowledged', async () => {
    await go('on-air');
    const strip = page.locator('.strip');
    await strip.locator('summary').click();
    const alarm = strip.locator(`[data-alarm="${ALARM}"]`);
    await alarm.waitFor();
    await accessible('the list of alarms');
    await shot('alarms');
    await alarm.getByRole('button', { name: `Shelve ${ALARM}` }).click();
    await alarm.getByLabel('For').selectOption('15');
    await alarm.getByLabel('Why').fill('the camera is being moved');
    await accessible('an alarm that is to be put aside');
    await alarm.getByRole('button', { name: 'Shelve', exact: true }).click();
    await reads(
      strip.locator('.is-shelved', { hasText: 'source_lost' }),
      /until .* UTC: the camera is being moved/,
      'put aside, and until when',
    );
    const known = async () => {
      const { items } = await (await fetch(`${url}/api/v1/alarms`)).json();
      return items.find((one) => one.id === ALARM);
    };
    assert.equal((await known()).shelved.reason, 'the camera is being moved');
    await reads(strip.locator('summary'), /1 shelved/, 'that one is put aside');
    await accessible('an alarm that is put aside');
    await shot('alarms-shelved');
    await strip.getByRole('button', { name: `Take back ${ALARM}` }).click();
    await strip.locator('.is-shelved').waitFor({ state: 'hidden' });
    assert.equal((await known()).shelved, null);
    assert.match(await alarm.getAttribute('class'), /is-open/, 'nobody has seen it');
    await alarm.getByRole('button', { name: `Acknowledge ${ALARM}` }).click();
    await reads(alarm, /✓ acknowledged/, 'seen');
    assert.doesNotMatch(await alarm.getAttribute('class'), /is-open/);
    assert.ok((await known()).acked);
    await strip.locator('summary').click();
  });

  /** An alarm as the daemon lists it. */
  const listed = (id, priority) => {
    const at = '2026-11-21T10:00:00Z';
    const more = { channel: null, subject: null, reason: `of ${id}`, action: 'look', active: true, cleared: null };
    return { id, code: id, priority, ...more, since: at, raised: at, count: 1, acked: null, shelved: null };
  };

  const lists = async (items) => {
    await page.unroute('**/api/v1/alarms');
    await page.route('**/api/v1/alarms', (route) => route.fulfill({ json: { counts: {}, items } }));
  };

  test('three priorities differ by shape and by word', async () => {
    await lists(['info', 'warning', 'critical'].map((priority) => listed(`a_${priority}`, priority)));
    const strip = page.locator('.strip');
    await reads(
      strip.locator('summary'),
      /⬣ 1 critical.*▲ 1 warning.*◇ 1 info.*of a_critical/s,
      'counts, the worst first',
    );
    await strip.locator('summary').click();
    const shapes = await strip.locator('.priority').allTextContents();
    assert.deepEqual(
      shapes.map((one) => one.trim()),
      ['⬣ CRITICAL', '▲ Warning', '◇ Info'],
    );
    await accessible('three priorities');
    await shot('priorities');
    await strip.locator('summary').click();
  });

  /** Hertz of every tone that was begun in the page. */
  const tones = () => page.evaluate(() => globalThis.uplinkTones);
  const heard = (wanted, what) =>
    until(tones, (all) => JSON.stringify(all.slice(-wanted.length)) === JSON.stringify(wanted), what);

  test('alarms and a lost link are heard where somebody wants it, and nowhere else', freezes, async () => {
    await page.evaluate(() => {
      globalThis.uplinkTones = [];
      const start = OscillatorNode.prototype.start;
      OscillatorNode.prototype.start = function (...when) {
        globalThis.uplinkTones.push(this.frequency.value);
        return start.apply(this, when);
      };
    });
    const sounds = page.getByRole('button', { name: 'Alarm sound' });
    assert.equal(await sounds.getAttribute('aria-pressed'), 'false', 'off until somebody wants it');
    await lists([listed('first', 'critical')]);
    await reads(page.locator('.strip summary'), /of first/, 'an alarm');
    assert.deepEqual(await tones(), [], 'nothing is heard');
    await sounds.click();
    assert.equal(await sounds.getAttribute('aria-pressed'), 'true');
    await heard([880, 660, 880], 'how it sounds');
    await lists([listed('first', 'critical'), listed('second', 'warning')]);
    await heard([880, 660, 880, 660], 'a new warning, and the one from before no more');
    await lists([listed('first', 'critical'), listed('second', 'warning'), listed('third', 'info')]);
    await reads(page.locator('.strip summary'), /1 info/, 'information');
    process.kill(pid, 'SIGSTOP');
    try {
      await page.locator('[data-band="lost"]').waitFor();
      await heard([660, 440, 311], 'a lost link; information is not heard');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await page.locator('[data-band="lost"]').waitFor({ state: 'hidden' });
    await heard([440, 311, 311, 440], 'it is back');
    await sounds.click();
    const before = (await tones()).length;
    await lists([listed('fourth', 'critical')]);
    await reads(page.locator('.strip summary'), /of fourth/, 'another alarm');
    assert.equal((await tones()).length, before, 'off is off');
    await page.unroute('**/api/v1/alarms');
    const seen = page.getByRole('button', { name: 'Seen' });
    if (await seen.count()) await seen.click();
  });

  test('a panel that an upgrade has left behind says so, and is reloaded by who is at work', async () => {
    const status = await (await fetch(`${url}/api/v1/status`)).json();
    const next = { ...status, version: '9.9.9', started_at: '2026-11-22T00:00:00Z' };
    const answer = (document) => `retry: 500\nevent: snapshot\ndata: ${JSON.stringify(document)}\n\n`;
    const documents = [status];
    await page.route(/\/api\/v1\/events\?/, (route) => {
      route.fulfill({ contentType: 'text/event-stream', body: answer(documents.shift() ?? next) });
    });
    await page.reload();
    const band = page.locator('[data-band="edition"]');
    await reads(band, /now version 9\.9\.9; this panel is of/, 'that it is another one');
    await accessible('a panel of another version');
    await shot('another-version');
    await page.unroute(/\/api\/v1\/events\?/);
    await Promise.all([page.waitForNavigation(), band.getByRole('button', { name: 'Reload the panel' }).click()]);
    await page.locator('.link.is-live').waitFor();
    assert.equal(await band.count(), 0, 'a panel that was just loaded is the daemon’s');
  });

  test('what is plugged in is noticed, whatever page is open', async () => {
    const status = await (await fetch(`${url}/api/v1/status`)).json();
    const about = { seq: 900, at: new Date().toISOString(), severity: 'info', code: 'device_plugged', channel: null };
    const event = { ...about, subject: 'video9', text: 'C4K was plugged in', fault: null, hint: null };
    const told = (kind, data) => `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
    const body = `retry: 500\n${told('snapshot', status)}${told('event', event)}`;
    await page.route(/\/api\/v1\/events\?/, (route) => route.fulfill({ contentType: 'text/event-stream', body }));
    await page.reload();
    const band = page.locator('[data-band="plugged"]', { hasText: 'C4K was plugged in' });
    await band.waitFor();
    await accessible('something was plugged in');
    await band.getByRole('button', { name: 'Seen' }).click();
    await band.waitFor({ state: 'hidden' });
    await page.unroute(/\/api\/v1\/events\?/);
    await page.reload();
    await page.locator('.link.is-live').waitFor();
  });
}
