// How large what is pressed is. WCAG 2.5.5 wants 44 CSS px each way, and so does this panel; what goes on air has 64. A link in
// running text is as high as its line (2.5.8 excepts it), and a box to tick is hit by its label, too. Where axe looks, this does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { page } from './rig.mjs';

/** What is too small of what is shown now, in words. */
export const small = (at) =>
  at.evaluate(() => {
    const kinds =
      'a[href], button, input, select, textarea, summary, video[controls], [role="button"], [role="switch"]';
    const onAir = '.verbs button, .armed button, button.stop';
    const inWords = (one) => {
      if (!one.matches('a') || getComputedStyle(one).display !== 'inline') return false;
      const around = one.parentElement.cloneNode(true);
      for (const link of around.querySelectorAll('a')) link.remove();
      return /\p{L}{2}/u.test(around.textContent);
    };
    /** With the labels that press it. */
    const box = (one) => {
      const ticked = one.matches('[type="checkbox"], [type="radio"]') ? [...one.labels] : [];
      const boxes = [one, ...ticked].map((each) => each.getBoundingClientRect());
      const span = (from, to) =>
        Math.max(...boxes.map((each) => each[to])) - Math.min(...boxes.map((each) => each[from]));
      return [span('left', 'right'), span('top', 'bottom')];
    };
    const seen = [...document.querySelectorAll(kinds)].filter((one) =>
      one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }),
    );
    return seen.flatMap((one) => {
      if (inWords(one)) return [];
      const [width, height] = box(one);
      const least = one.matches(onAir) ? 64 : 44;
      // Half a pixel is what rounding leaves.
      if (Math.min(width, height) >= least - 0.5) return [];
      return [`${width.toFixed(1)} × ${height.toFixed(1)} of ${least}: ${one.outerHTML.slice(0, 160)}`];
    });
  });

/** That it finds what it should, and nothing else. */
export function targets(tile) {
  test('what is too small to be hit is found, and a link in a sentence is not', async () => {
    assert.deepEqual(await small(page), []);
    await page.evaluate(() => {
      const add = (html) => {
        const one = document.createElement('p');
        one.className = 'trial';
        one.innerHTML = html;
        document.querySelector('main').append(one);
      };
      add('<button type="button" data-height="43px">low</button>');
      add('<span class="verbs"><button type="button" data-height="63px">on air</button></span>');
      add('<a href="#/wall">alone</a>');
      add('Look at <a href="#/wall">the wall</a> for more.');
      add('<label class="check"><input type="checkbox"> ticked by its label</label>');
      // By script: a style in the text is against the panel's own rules.
      for (const one of document.querySelectorAll('.trial [data-height]')) {
        one.style.minHeight = one.dataset.height;
        one.style.height = one.dataset.height;
      }
    });
    const found = await small(page);
    await page.reload();
    await tile().waitFor();
    assert.equal(found.length, 3, found.join('\n'));
    assert.match(found.join('\n'), /43\.0 of 44.*low.*63\.0 of 64.*on air.*alone/s);
  });
}
