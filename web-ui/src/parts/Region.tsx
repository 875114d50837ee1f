// A region of data in each of its states: loading, nothing there, a problem, no right to it, and what was last known.

import type { ComponentChildren } from 'preact';
import type { Problem } from '../api';
import { stamp } from '../core/format';
import type { Resource } from '../core/resource';
import { phase } from '../core/store';
import { say } from '../words/say';

interface Props<T> {
  of: Resource<T>;
  empty: (data: T) => boolean;
  nothing: string;
  children: (data: T) => ComponentChildren;
}

export function Region<T>({ of, empty, nothing, children }: Props<T>) {
  const { data, problem, at, again } = of;
  if (data === null) {
    if (problem) return <Trouble problem={problem} again={again} />;
    return (
      <p class="quiet" role="status" aria-busy="true">
        {say('loading')}
      </p>
    );
  }
  const old = problem !== null || phase.value === 'lost';
  return (
    <>
      {problem && phase.value === 'live' ? <Trouble problem={problem} again={again} /> : null}
      {old && at ? <p class="old">▨ {say('known_at', { time: stamp(new Date(at).toISOString()) })}</p> : null}
      {empty(data) ? <p class="empty">{nothing}</p> : children(data)}
    </>
  );
}

export function Trouble({ problem, again }: { problem: Problem; again?: () => void }) {
  if (problem.status === 401 || problem.status === 403) return <p class="empty">{say('forbidden_region')}</p>;
  // Frozen for a show: the daemon says by whom, since when, and how to break the glass.
  const frozen = problem.status === 423;
  return (
    <div class={frozen ? 'trouble is-frozen' : 'trouble'} role="alert">
      <p>
        <strong>{frozen ? `▣ ${say('frozen')}: ${problem.title}` : `⬣ ${problem.title}`}</strong>{' '}
        <span lang="en">{problem.detail}</span> <span class="quiet">[{problem.code}]</span>
      </p>
      {again ? (
        <button type="button" onClick={again}>
          {say('again')}
        </button>
      ) : null}
    </div>
  );
}

/** A table that scrolls by itself on a narrow screen, by keyboard, too. */
export function Table({ title, heads, children }: { title: string; heads: string[]; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard.
    <section class="wide" tabIndex={0} aria-label={title}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}
