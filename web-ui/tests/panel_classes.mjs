// A stream class of one's own: made as the copy of another, put in force, deleted, brought back, freed of old versions. Part of
// panel.mjs, whose tools it uses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { page, until, url } from './rig.mjs';

const CLASSES = '/api/v1/stream-classes';
const FROM = 'talk-720p30';
const NEW = 'court-2';

const step = (name) => page.locator(`.step[data-step="${name}"]`).waitFor();
const known = async () => (await (await fetch(`${url}${CLASSES}`)).json()).map((one) => one.name);
const versions = async () => {
  const page = await (await fetch(`${url}${CLASSES}/${NEW}/versions`)).json();
  return page.items.map((kept) => kept.version);
};

export function classes({ go, shot, accessible, inTime, brief }) {
  const confirm = () => page.locator('.step .confirm');

  /** What is planned is put in force. */
  async function force(press) {
    await press();
    await step('planned');
    await confirm().click();
    await step('done');
  }

  test('a stream class is made as a copy, and is there when it is put in force', async () => {
    await go('classes');
    const form = page.getByRole('form', { name: 'New stream class' });
    await form.getByLabel('Copy of').selectOption(FROM);
    await form.getByLabel('Name').fill(FROM);
    await form.getByRole('button').click();
    await page.getByText(`There is a stream class ${FROM} already`).waitFor();
    await form.getByLabel('Name').fill('Court 2');
    await form.getByRole('button').click();
    assert.equal(await page.evaluate(() => location.hash), '#/classes', 'what is no name is not sent');
    await form.getByLabel('Name').fill(NEW);
    await form.getByRole('button').click();
    await page.getByText(`There is no stream class ${NEW} yet`).waitFor();
    const area = page.locator('.editor textarea');
    const of = await (await fetch(`${url}${CLASSES}/${FROM}`)).json();
    const text = of.text.replace(`name = "${FROM}"`, `name = "${NEW}"`);
    assert.equal(await area.inputValue(), text, 'the text of the other, under its own name');
    assert.ok(!(await known()).includes(NEW), 'a draft is in this panel alone');
    const owner = text.split('\n').findIndex((line) => line.startsWith('owner'));
    await area.fill(text.replace(/^owner = .*$/m, 'owner = 7'));
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.locator('.findings button').first().waitFor();
    assert.match(await page.locator('.gutter').textContent(), new RegExp(`⬣ ${owner + 1}\\b`));
    await shot('class-new');
    await accessible('a new stream class with a fault');
    await area.fill(text.replace(/^owner = .*$/m, 'owner = "Court 2"'));
    await force(() => page.getByRole('button', { name: 'What would change?' }).click());
    assert.ok((await known()).includes(NEW));
    await page.getByText('the site’s own').first().waitFor();
    assert.deepEqual(await versions(), [1]);
    await accessible('a stream class that is new');
  });

  test('old versions are deleted by who types its name', async () => {
    const area = page.locator('.editor textarea');
    const text = await area.inputValue();
    await area.fill(`${text}# more\n`);
    await force(() => page.getByRole('button', { name: 'What would change?' }).click());
    await until(versions, (all) => all.length === 2, 'two versions');
    const summary = page.getByText('Delete old versions …').first();
    await summary.click();
    const form = page.getByRole('form', { name: 'Delete old versions' });
    await form.getByLabel('So many of the newest stay').fill('1');
    await accessible('deleting old versions');
    const question = page.locator('[data-band="consent"]');
    await form.getByRole('button').click();
    await question.waitFor();
    assert.match(await question.textContent(), /1 version\(s\) of stream class `court-2`.*gone for good/);
    assert.ok(await question.locator('.confirm').isDisabled(), 'its name is to be typed');
    assert.deepEqual(await versions(), [2, 1]);
    await question.locator('input').fill(NEW);
    await page.waitForTimeout(450);
    await question.locator('.confirm').click();
    await page.getByText('Deleted versions: 1.').waitFor();
    assert.deepEqual(await versions(), [2]);
  });

  test('a stream class is deleted in two places, and brought back', async () => {
    await go(`classes/${FROM}`);
    await page.getByText('What is shipped with the package cannot be deleted').waitFor();
    assert.equal(await page.getByRole('button', { name: /^Delete the stream class/ }).count(), 0);
    await go(`classes/${NEW}`);
    const part = page.locator('section[aria-labelledby="class-delete"]');
    const end = async () => {
      await part.getByRole('button', { name: `Delete the stream class ${NEW}` }).dblclick(brief);
      assert.ok((await known()).includes(NEW), 'two presses at once are one');
      await page.waitForTimeout(450);
      await part.getByRole('button', { name: 'Confirm' }).click(brief);
    };
    await inTime(end, async () => !(await known()).includes(NEW), 'deleted');
    await page.getByText(`The stream class ${NEW} is deleted`).waitFor();
    await shot('class-deleted');
    await accessible('a stream class that was deleted');
    await page.locator('main').getByRole('link', { name: NEW, exact: true }).click();
    await page.getByText(`There is no stream class ${NEW}.`).waitFor();
    await accessible('a stream class that is not there');
    await force(() => page.getByRole('button', { name: 'Go back to version 2' }).click());
    assert.ok((await known()).includes(NEW));
    await page.locator('section[aria-labelledby="class-delete"]').waitFor();
    // As it was before these tests.
    await inTime(end, async () => !(await known()).includes(NEW), 'deleted once more');
    await go('on-air');
  });
}
