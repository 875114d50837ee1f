// The pages of the panel beside those of the show: stream classes, configuration, diagnostics, users. Part of panel.mjs, whose tools they use.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { channel, page, until, url } from './rig.mjs';

/** What a daemon with users has beside. */
const USERS = /\/api\/v1\/(session|sessions|users|tokens|audit)\b/;

const step = (name) => page.locator(`.step[data-step="${name}"]`).waitFor();

const CLASSES = '/api/v1/stream-classes';
const CLASS = 'talk-720p30';

/** What another engineer applies meanwhile, and confirms. */
async function elsewhere(text) {
  const ask = (headers) =>
    fetch(`${url}${CLASSES}/${CLASS}/apply`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ text, comment: 'from elsewhere' }),
    });
  const { confirm } = await (await ask({})).json();
  const done = await ask({ confirm: confirm.token });
  assert.equal(done.status, 200);
}

/** A daemon with users, in front of the one that is there. */
async function withUsers(role, go) {
  const at = '2026-11-21T12:00:00Z';
  const users = [{ name: 'ada', role: 'admin', created: at, disabled: false }];
  const tokens = [];
  const once = { name: 'robot', token: 'upl_abc_secret' };
  const session = { id: 's', user: 'ada', created: at, last_used: at, ends: at, from: '::1', agent: 'a browser' };
  const audited = { id: 1, at, who: 'ada', role: 'admin', by: 'session', from: '::1', action: 'POST /x', target: '/x' };
  const answers = {
    'GET session': () => role && { access: 'login', name: 'ada', role },
    'GET sessions': () => [
      { ...session, own: true },
      { ...session, id: 't', user: 'bob', own: false },
    ],
    'GET users': () => users,
    'POST users': (asked) =>
      users.push({ name: asked.name, role: asked.role, created: at, disabled: false }) && users[1],
    'PATCH users/bob': (asked) => Object.assign(users[1], asked),
    'DELETE users/bob': () => users.pop(),
    'GET tokens': () => tokens,
    'POST tokens': (asked) =>
      tokens.push({ id: 'abc', scopes: [], role: null, created: at, created_by: 'ada', last_used: null, ...asked }) &&
      once,
    'GET audit': () => ({ items: [{ ...audited, status: 200 }] }),
  };
  await page.route(USERS, async (route) => {
    const request = route.request();
    const path = new URL(request.url()).pathname.replace('/api/v1/', '');
    const answer = answers[`${request.method()} ${path}`];
    const json = answer?.(request.postDataJSON());
    return json ? route.fulfill({ json }) : route.fulfill({ status: 404, json: { code: 'not_found' } });
  });
  await page.reload();
  await page.locator('.link.is-live').waitFor();
  await go('users');
}

export function pages({ go, shot, accessible, inTime, brief }) {
  test('a draft of the configuration is checked at its lines', async () => {
    await go('configuration');
    const area = page.locator('.editor textarea');
    const { text } = await (await fetch(`${url}/api/v1/config`)).json();
    await until(
      () => area.inputValue(),
      (shown) => shown === text,
      'the file is shown',
    );
    const lines = text.split('\n');
    const line = lines.findIndex((one) => one.startsWith('kind')) + 1;
    await area.fill(lines.map((one, place) => (place === line - 1 ? 'kind = "tset"' : one)).join('\n'));
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    const place = page.locator('.findings button').first();
    await place.waitFor();
    assert.equal(await place.textContent(), `line ${line}`);
    assert.match(await page.locator('.gutter').textContent(), new RegExp(`⬣ ${line}\\b`));
    await place.click();
    const chosen = await area.evaluate((node) => node.value.slice(node.selectionStart, node.selectionEnd));
    assert.match(chosen, /tset/);
    await shot('draft');
    await accessible('a draft with a fault');
    await area.fill(`${text}# of mine\n`);
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.locator('#findings[data-good="true"]').waitFor();
    await page.getByRole('button', { name: 'Drop the draft' }).click();
    assert.equal(await area.inputValue(), text);
  });

  test('a stream class is drafted, checked at its lines, applied, compared and rolled back', async () => {
    await go('classes');
    const row = page.locator('tr', { has: page.getByRole('link', { name: CLASS, exact: true }) });
    await until(
      () => row.textContent(),
      (text) => /1\.0\.0.*1.*shipped.*in force.*Evening briefing/s.test(text),
      'the class, as it is shipped',
    );
    await shot('classes');
    await accessible('stream classes');
    await row.getByRole('link').focus();
    await page.keyboard.press('Enter');
    const area = page.locator('.editor textarea');
    const text = await until(() => area.inputValue(), Boolean, 'the text is shown');
    const lines = text.split('\n');
    const line = lines.findIndex((one) => one.startsWith('owner')) + 1;
    const owned = (by) => lines.map((one, place) => (place === line - 1 ? `owner = ${by}` : one)).join('\n');
    await area.fill(owned('7'));
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    const fault = page.locator('.findings button').first();
    await fault.waitFor();
    assert.equal(await fault.textContent(), `line ${line}`);
    assert.match(await page.locator('.gutter').textContent(), new RegExp(`⬣ ${line}\\b`));
    await accessible('a stream class with a fault');
    const ask = page.getByRole('button', { name: 'What would change?' });
    await ask.click();
    await step('refused');
    assert.match(await page.locator('.step').textContent(), new RegExp(`${CLASS}.toml:${line}:`));

    await area.fill(owned('"Court 2"'));
    await page.getByLabel('Why, for who reads the versions').fill('Court 2 answers for it');
    await ask.click();
    await step('planned');
    assert.match(await page.locator('.step').textContent(), /OFF AIR for a moment.*1\.2 s.*cloud: interrupted/s);
    await accessible('a plan of a stream class');
    const confirm = page.locator('.step .confirm');
    await confirm.click();
    await step('done');
    const versions = page.locator('section[aria-labelledby="versions"] tbody tr');
    await until(
      () => versions.allTextContents(),
      ([first, second]) => /^2 newest.*applied.*Court 2 answers for it/.test(first) && /^1.*shipped/.test(second ?? ''),
      'the version that was applied, and the one before',
    );
    await page.getByText('the site’s own, in place of the shipped one').waitFor();
    await until(
      () => page.locator('.difference li').allTextContents(),
      (all) => all.some((one) => one.includes('+') && one.includes('owner = "Court 2"')),
      'what the newest changes',
    );
    await shot('class');
    await accessible('a stream class with versions');

    // Somebody else is quicker.
    await area.fill(owned('"Court 3"'));
    await elsewhere(owned('"Court 4"'));
    const conflict = page.locator('.conflict', { hasText: 'Somebody has written the file' });
    await conflict.waitFor();
    await ask.click();
    await step('changed');
    assert.match(await page.locator('.step').textContent(), /\+.*owner = "Court 4"/s);
    await accessible('a stream class that somebody else has changed');
    await conflict.getByRole('button', { name: 'Take the file' }).click();
    assert.equal(await area.inputValue(), owned('"Court 4"'));

    // Back, by keyboard, through a freeze.
    const overrides = [];
    await page.route(`**${CLASSES}/${CLASS}/rollback`, (route) => {
      const override = route.request().headers().override;
      if (override) overrides.push(decodeURIComponent(override));
      const json = { title: 'Frozen', detail: 'by ada: Cup final', code: 'frozen', status: 423 };
      return override
        ? route.continue()
        : route.fulfill({ status: 423, contentType: 'application/problem+json', json });
    });
    await page.getByRole('button', { name: 'Go back to version 1' }).focus();
    await page.keyboard.press('Enter');
    await step('planned');
    await confirm.focus();
    await page.keyboard.press('Enter');
    await step('frozen');
    await accessible('a stream class that is frozen');
    await page.getByLabel('Why it cannot wait').fill('wrong owner');
    await page.keyboard.press('Enter');
    await step('done');
    assert.deepEqual(overrides, Array(2).fill('wrong owner'));
    await page.unroute(`**${CLASSES}/${CLASS}/rollback`);
    await until(
      () => versions.first().textContent(),
      (first) => /^4 newest.*went back \(back to 1\).*shipped/.test(first),
      'the version that it went back to',
    );
    await until(
      () => area.inputValue(),
      (shown) => shown === text,
      'the shipped text again',
    );
  });

  test('stream classes: none, not to be had, not for everybody', async () => {
    const answers = async (answer, shown) => {
      await page.route(`**${CLASSES}`, (route) => route.fulfill(answer));
      await go('on-air');
      await go('classes');
      await page.getByText(shown).waitFor();
      await accessible(`stream classes: ${shown}`);
      await page.unroute(`**${CLASSES}`);
    };
    await answers({ json: [] }, 'No stream class is known.');
    const problem = (status, code) => ({ status, json: { title: 'The disk hangs', detail: 'it is full', code } });
    await answers(problem(500, 'internal'), 'The disk hangs');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('link', { name: CLASS, exact: true }).waitFor();
    await answers(problem(403, 'forbidden'), 'Your role does not allow this.');
  });

  test('the report for support has what the daemon and the panel say, and no secret of a file', async () => {
    await go('diagnostics');
    const coming = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the report' }).click();
    const report = JSON.parse(await readFile(await (await coming).path(), 'utf8'));
    assert.ok(report.status.channels.some((one) => one.id === channel));
    assert.ok(Array.isArray(report.config.settings) && report.config.text === undefined);
    assert.ok(Array.isArray(report.panel.refusals));
  });

  test('what is put in force is what was looked at, or somebody was there meanwhile', async () => {
    await go('configuration');
    const { file, text } = await (await fetch(`${url}/api/v1/config`)).json();
    const ask = page.getByRole('button', { name: 'What would change?' });
    const confirm = page.locator('.step .confirm');
    await ask.click();
    await step('planned');
    assert.match(await page.locator('.step').textContent(), /OFF AIR for a moment.*1\.2 s.*cloud: interrupted/s);
    await shot('plan');
    await accessible('a plan');
    await writeFile(file, `${text}# somebody was here\n`);
    try {
      await confirm.click();
      await step('changed');
      assert.match(await page.locator('.step').textContent(), /Somebody else.*\+.*# somebody was here/s);
      await accessible('changed by somebody else');
      await ask.click();
      await step('planned');
      // For the next press the box is frozen.
      const overrides = [];
      await page.route('**/api/v1/config/reload', (route) => {
        const override = route.request().headers().override;
        if (override) overrides.push(decodeURIComponent(override));
        const json = { title: 'Frozen', detail: 'by ada: Cup final', code: 'frozen', status: 423 };
        return override
          ? route.continue()
          : route.fulfill({ status: 423, contentType: 'application/problem+json', json });
      });
      await confirm.click();
      await step('frozen');
      await accessible('frozen');
      await shot('frozen');
      await page.getByLabel('Why it cannot wait').fill('Ton fällt aus');
      await page.getByRole('button', { name: 'Break the glass' }).click();
      await step('done');
      // Once more with the confirmation that the daemon asks for.
      assert.deepEqual(overrides, Array(2).fill('Ton fällt aus'));
      await page.unroute('**/api/v1/config/reload');
    } finally {
      await writeFile(file, text);
    }
  });

  test('users, tokens and sessions: each act shows what the daemon says of it', async () => {
    const entry = page.locator('.rail a[href="#/users"]');
    await withUsers(null, go);
    await page.getByText('This daemon keeps no users').waitFor();
    assert.equal(await entry.count(), 0, 'a daemon without users has no page of them');
    await withUsers('admin', go);
    await entry.waitFor();
    const add = page.getByRole('form', { name: 'Add user' });
    await add.getByLabel('Name').fill('bob');
    await add.getByLabel('Password').fill('correct horse battery');
    await add.getByRole('button').click();
    const role = page.getByLabel('Role of bob');
    await role.waitFor();
    await role.selectOption('engineer');
    await until(
      () => role.inputValue(),
      (value) => value === 'engineer',
      'the role is changed',
    );
    const make = page.getByRole('form', { name: 'Make token' });
    await make.getByLabel('Title').fill('robot');
    await make.getByRole('button').click();
    await page.getByText('upl_abc_secret').waitFor();
    await shot('users');
    await accessible('users');
    const remove = page.getByRole('button', { name: 'Remove bob' });
    const removed = async () => (await role.count()) === 0;
    const twice = async () => {
      await remove.dblclick(brief);
      assert.equal(await role.count(), 1, 'two presses at once are one');
      await page.waitForTimeout(450);
      await page.getByRole('button', { name: 'Confirm: Remove' }).click(brief);
    };
    await inTime(twice, removed, 'removed');
    await withUsers('operator', go);
    await page.getByText('This needs the role admin').waitFor();
    assert.equal(await page.getByRole('form', { name: 'Add user' }).count(), 0);
    await accessible('users, for an operator');
    await go('configuration');
    await until(
      () => page.getByRole('button', { name: 'What would change?' }).isDisabled(),
      Boolean,
      'an operator puts nothing in force',
    );
    await go(`classes/${CLASS}`);
    const back = page.getByRole('button', { name: 'Go back to version 1' });
    await back.waitFor();
    assert.ok(await back.isDisabled(), 'an operator goes back to no version');
    await page.getByText('This needs the role engineer').first().waitFor();
    await accessible('a stream class, for an operator');
    await page.unroute(USERS);
    await page.reload();
    await go('on-air');
  });
}
