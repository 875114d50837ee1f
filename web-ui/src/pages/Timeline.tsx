// What happened on this box and who asked for it, on one clock, also before the daemon was started last.

import { useSignal } from '@preact/signals';
import type { EntryKind, Severity } from '../api';
import { has } from '../core/session';
import { status } from '../core/store';
import { address, KINDS, type Wanted } from '../core/timeline';
import { Entries } from '../parts/Entries';
import { Waiting } from '../parts/Waiting';
import { say, word } from '../words/say';

const LEAST: Severity[] = ['info', 'warning', 'error'];
const PAGE = 100;

export function Timeline() {
  const wanted = useSignal<Wanted>({ kinds: KINDS, channel: '', least: 'info', from: '', to: '' });
  const document = status.value;
  if (!document) return <Waiting />;
  const want = (change: Partial<Wanted>) => {
    wanted.value = { ...wanted.peek(), ...change };
  };
  const path = address({ ...wanted.value, kinds: wanted.value.kinds.filter(mayBeSeen) }, PAGE);
  return (
    <div class="page">
      <fieldset class="filters" aria-label={say('filters')}>
        <Kinds of={wanted.value.kinds} want={(kinds) => want({ kinds })} />
        <label>
          {say('channel')}{' '}
          <select value={wanted.value.channel} onChange={(event) => want({ channel: event.currentTarget.value })}>
            <option value="">{say('all_channels')}</option>
            {document.channels.map((one) => (
              <option key={one.id} value={one.id}>
                {one.title}
              </option>
            ))}
          </select>
        </label>
        <label>
          {say('at_least')}{' '}
          <select
            value={wanted.value.least}
            onChange={(event) => want({ least: event.currentTarget.value as Severity })}
          >
            {LEAST.map((one) => (
              <option key={one} value={one}>
                {word('severity', one)}
              </option>
            ))}
          </select>
        </label>
        <Time label={say('from_utc')} value={wanted.value.from} want={(from) => want({ from })} />
        <Time label={say('to_utc')} value={wanted.value.to} want={(to) => want({ to })} />
      </fieldset>
      {has('operator') ? null : <p class="quiet">{say('acts_need_operator')}</p>}
      <Entries key={path} path={path} />
    </div>
  );
}

const mayBeSeen = (kind: EntryKind) => kind !== 'act' || has('operator');

/** One kind stays: a list of none would be empty whatever happened. */
function Kinds({ of, want }: { of: EntryKind[]; want: (kinds: EntryKind[]) => void }) {
  const shown = of.filter(mayBeSeen);
  return (
    <>
      {KINDS.map((kind) => (
        <label key={kind} class="check">
          <input
            type="checkbox"
            checked={shown.includes(kind)}
            disabled={!mayBeSeen(kind) || (shown.length === 1 && shown[0] === kind)}
            onChange={(event) => {
              const on = event.currentTarget.checked;
              want(KINDS.filter((one) => (one === kind ? on : of.includes(one))));
            }}
          />{' '}
          {word('kind', kind)}
        </label>
      ))}
    </>
  );
}

function Time({ label, value, want }: { label: string; value: string; want: (time: string) => void }) {
  return (
    <label>
      {label}{' '}
      <input type="datetime-local" step="1" value={value} onChange={(event) => want(event.currentTarget.value)} />
    </label>
  );
}
