// What wants somebody: how many of each priority, and the first. It sorts so that the tiles need not, and is always there, so
// that nothing jumps. Below it the whole list, with what is put aside.

import { useSignal } from '@preact/signals';
import { acknowledge, alarms, type Listing, listed, MINUTES, partOf, shelve, shelved, unshelve } from '../core/alarms';
import { duration, utc } from '../core/format';
import { hindrance } from '../core/hindrance';
import type { Notice, Priority } from '../core/reduce';
import { busy } from '../core/request';
import { address } from '../core/route';
import { blocked, toggleSounds, wanted } from '../core/sound';
import { notices, now, status, tick } from '../core/store';
import { say, word } from '../words/say';
import { Choice, Field, Form, Refused } from './Form';
import { Hindered } from './Hindered';

const SHAPE: Record<Priority, string> = { critical: '⬣', warning: '▲', info: '◇' };
const PRIORITIES: Priority[] = ['critical', 'warning', 'info'];

type Shown = Notice & Partial<Listing>;

export function Strip() {
  tick.value;
  if (!status.value) return <div class="strip" />;
  const kept = alarms.value;
  const open: Shown[] = kept ? listed(kept) : notices.value;
  const aside = kept ? shelved(kept) : [];
  const by = hindrance({ role: 'operator' });
  return (
    <div class={`strip ${open[0] ? `is-${open[0].priority}` : 'quiet'}`}>
      {open.length + aside.length === 0 ? (
        <p class="line">{say('all_quiet')}</p>
      ) : (
        <details>
          <summary>
            <Sum open={open} aside={aside.length} />
          </summary>
          <ul>
            {open.map((one) => (
              <Row key={one.id ?? `${one.channel}-${one.code}`} one={one} dead={by !== null} />
            ))}
          </ul>
          {aside.length > 0 ? <Aside all={aside} dead={by !== null} /> : null}
          {kept ? <Hindered by={by} /> : null}
        </details>
      )}
      <Sounds />
    </div>
  );
}

function Sum({ open, aside }: { open: Shown[]; aside: number }) {
  const [first] = open;
  return (
    <>
      {PRIORITIES.map((priority) => {
        const count = open.filter((one) => one.priority === priority).length;
        return count === 0 ? null : (
          <strong key={priority} class={`count is-${priority}`}>
            {SHAPE[priority]} {say(`count_${priority}`, { count })}
          </strong>
        );
      })}
      {first ? (
        <span class="first">
          {first.title}: <span lang="en">{first.reason}</span>
        </span>
      ) : (
        <span>{say('all_quiet')}</span>
      )}
      {aside > 0 ? <span class="quiet"> · {say('count_shelved', { count: aside })}</span> : null}
    </>
  );
}

/** Seen is not over: an acknowledged alarm stays while it is active. */
function Row({ one, dead }: { one: Shown; dead: boolean }) {
  const { id, priority } = one;
  return (
    <li class={`alarm is-${priority} ${id && !one.acked ? 'is-open' : ''}`} data-alarm={id}>
      <span class="priority">
        {SHAPE[priority]} {word('priority', priority)}
      </span>{' '}
      {one.channel ? <a href={address({ page: 'channel', channel: one.channel })}>{one.title}</a> : one.title}:{' '}
      <span lang="en">
        {one.reason} {one.action ? <span class="quiet">{one.action}</span> : null}
      </span>{' '}
      <span class="quiet">
        {one.code} · {one.over ? say('alarm_over') : duration((now() - Date.parse(one.since)) / 1000)}
      </span>
      {id ? (
        <span class="row">
          {one.acked ? (
            <span class="quiet">✓ {say('acknowledged_alarm')}</span>
          ) : (
            <button
              type="button"
              aria-label={`${say('acknowledge')} ${id}`}
              disabled={dead || busy.value !== null}
              onClick={() => void acknowledge(id)}
            >
              {say('acknowledge')}
            </button>
          )}
          <Shelve id={id} dead={dead} />
        </span>
      ) : null}
    </li>
  );
}

/** For how long, and why: whoever comes meanwhile wants to know. */
function Shelve({ id, dead }: { id: string; dead: boolean }) {
  const asked = useSignal(false);
  if (!asked.value) {
    return (
      <>
        <button
          type="button"
          aria-label={`${say('shelve')} ${id}`}
          disabled={dead}
          onClick={() => {
            asked.value = true;
          }}
        >
          {say('shelve')} …
        </button>
        <Refused part={partOf(id)} />
      </>
    );
  }
  return (
    <Form
      part={partOf(id)}
      title={`${say('shelve')} ${id}`}
      button={say('shelve')}
      dead={dead}
      send={({ minutes = '', reason = '' }) => shelve(id, Number(minutes), reason.trim())}
    >
      <Choice
        id={`minutes-${id}`}
        name="minutes"
        label={say('shelve_for')}
        of={MINUTES.map((minutes) => [String(minutes), say('minutes', { count: minutes })])}
      />
      <Field id={`reason-${id}`} name="reason" label={say('shelve_reason')} most={200} />
      <button
        type="button"
        onClick={() => {
          asked.value = false;
        }}
      >
        {say('keep')}
      </button>
    </Form>
  );
}

function Aside({ all, dead }: { all: Listing[]; dead: boolean }) {
  return (
    <section aria-labelledby="shelved">
      <h2 id="shelved">{say('shelved')}</h2>
      <ul>
        {all.map((one) => (
          <li key={one.id} class="alarm is-shelved" data-alarm={one.id}>
            <span class="priority">▽ {word('priority', one.priority)}</span> {one.title}:{' '}
            <span lang="en">{one.reason}</span>{' '}
            <span class="quiet">
              {one.code} ·{' '}
              {say('shelved_until', { time: utc(one.shelf?.until ?? ''), reason: one.shelf?.reason ?? '' })}
              {one.shelf?.by ? ` (${one.shelf.by})` : ''}
            </span>{' '}
            <button
              type="button"
              aria-label={`${say('unshelve')} ${one.id}`}
              disabled={dead || busy.value !== null}
              onClick={() => void unshelve(one.id)}
            >
              {say('unshelve')}
            </button>
            <Refused part={partOf(one.id)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A switch of this surface. */
function Sounds() {
  const on = wanted.value;
  return (
    <button type="button" class="sounds" aria-pressed={on} onClick={() => void toggleSounds()}>
      ♪ {say('sounds')}{' '}
      <span aria-hidden="true">{say(blocked.value ? 'sounds_blocked' : on ? 'sounds_on' : 'sounds_off')}</span>
    </button>
  );
}
