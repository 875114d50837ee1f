// What is frozen for a show: the band over every page with since when and how it ends, and the form that begins one.

import { useSignal } from '@preact/signals';
import { stamp } from '../core/format';
import { freeze, HOURS, thaw } from '../core/freeze';
import { hindrance } from '../core/hindrance';
import { busy, refusals } from '../core/request';
import { has } from '../core/session';
import { fresh, status } from '../core/store';
import { say } from '../words/say';
import { Choice, Field, Form } from './Form';
import { Hindered } from './Hindered';
import { Trouble } from './Region';

const title = (id: string) => status.value?.channels.find((one) => one.id === id)?.title ?? id;

/** Nobody has to find out by a refusal. */
export function FreezeBand() {
  const current = status.value?.freeze;
  if (!current) return null;
  const { channels, by, since, until, reason } = current;
  const what =
    channels.length === 0 ? say('freeze_box') : say('freeze_of', { channels: channels.map(title).join(', ') });
  const problem = refusals.value.thaw;
  return (
    <div class="band slim" data-band="freeze">
      <div class="row">
        <span>
          ▣ {what},{' '}
          {by ? say('frozen_by', { name: by, time: stamp(since) }) : say('frozen_since', { time: stamp(since) })},{' '}
          {until ? say('freeze_until', { time: stamp(until) }) : say('freeze_open_end')}: {reason}
        </span>
        <span class="rule">{say('freeze_advice')}</span>
        {has('engineer') ? (
          <button type="button" disabled={!fresh.value || busy.value !== null} onClick={thaw}>
            {say('freeze_end')}
          </button>
        ) : null}
      </div>
      {problem ? <Trouble problem={problem} /> : null}
    </div>
  );
}

/** Begins one, or puts another in place of the one that is there. */
export function FreezeForm() {
  const chosen = useSignal<string[]>([]);
  const by = hindrance({ role: 'engineer' });
  const channels = status.value?.channels ?? [];
  const pick = (id: string, wanted: boolean) => {
    chosen.value = wanted ? [...chosen.peek(), id] : chosen.peek().filter((one) => one !== id);
  };
  const send = async ({ reason = '', hours = '' }: Record<string, string>) => {
    const done = await freeze(reason, Number(hours), chosen.peek());
    if (done) chosen.value = [];
    return done;
  };
  return (
    <>
      <p class="quiet">{say('freeze_what')}</p>
      <Form part="freeze" title={say('freeze')} button={say('freeze_begin')} dead={by !== null} send={send}>
        <Field id="freeze-reason" name="reason" label={say('freeze_reason')} most={200} />
        <Choice
          id="freeze-hours"
          name="hours"
          label={say('freeze_ends')}
          of={HOURS.map((hours) => [
            String(hours),
            hours > 0 ? say('in_hours', { count: hours }) : say('freeze_open_end'),
          ])}
        />
        <fieldset class="picks">
          <legend>{say('freeze_channels')}</legend>
          {channels.map((one) => (
            <label key={one.id} class="check">
              <input
                type="checkbox"
                checked={chosen.value.includes(one.id)}
                onChange={(event) => pick(one.id, event.currentTarget.checked)}
              />
              {one.title}
            </label>
          ))}
        </fieldset>
      </Form>
      <Hindered by={by} />
    </>
  );
}
