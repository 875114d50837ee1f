// Two texts, by the lines that differ.

import { difference } from '../core/lines';
import { say } from '../words/say';

/** More are not read by anybody. */
const MOST = 400;

export function Difference({ first, second, title }: { first: string; second: string; title: string }) {
  const lines = difference(first, second);
  if (lines.length === 0) return <p class="quiet">{say('no_difference')}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard.
    <section class="wide" tabIndex={0} aria-label={title}>
      <ol class="difference">
        {lines.slice(0, MOST).map((one) => (
          <li key={`${one.sign}${one.line}`} class={one.sign === '+' ? 'is-new' : 'is-old'}>
            <span class="sr">{say(one.sign === '+' ? 'line_new' : 'line_old')}</span>
            <code>
              {one.sign} {String(one.line).padStart(4)} {one.text}
            </code>
          </li>
        ))}
      </ol>
      {lines.length > MOST ? <p class="quiet">{say('more_lines', { count: lines.length - MOST })}</p> : null}
    </section>
  );
}
