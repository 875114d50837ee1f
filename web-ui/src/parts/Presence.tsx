// Who else is here: how many panels of which role; by name for whoever presses.

import type { Present } from '../api';
import { utc } from '../core/format';
import { byRole, presence } from '../core/presence';
import { who } from '../core/session';
import { phase } from '../core/store';
import { say, word } from '../words/say';

export function Here() {
  const known = presence.value;
  if (!known || phase.value === 'forbidden' || phase.value === 'connecting') return null;
  // Where nobody logs in, all may everything, and that is said in a band of its own.
  const roles = who.value?.access === 'login' ? byRole(known) : [];
  const told = roles.map(([role, many]) => `${many} ${role ? word('role', role) : say('no_role')}`).join(', ');
  return (
    <details class="here" data-panels={known.panels}>
      <summary>
        {say('here_panels', { count: known.panels })} <span class="quiet">{told}</span>
      </summary>
      <ul aria-label={say('here_who')}>
        {known.present.map((one) => (
          <One key={`${one.seat}/${one.name}/${one.role}`} one={one} />
        ))}
      </ul>
    </details>
  );
}

function One({ one }: { one: Present }) {
  const login = who.value?.access === 'login';
  const mine = login && one.seat === 'panel' && one.name === who.value?.name;
  return (
    <li>
      <strong>{login || one.seat === 'program' ? one.name : say('here_anybody')}</strong> {mine ? say('here_you') : ''}{' '}
      <span class="quiet">
        {one.role && login ? `${word('role', one.role)} · ` : ''}
        {say(one.seat === 'panel' ? 'here_panels' : 'here_programs', { count: one.streams })} ·{' '}
        {say('here_since', { time: utc(one.since) })}
      </span>
    </li>
  );
}
