// What happened on this box, on one clock. It begins with what the daemon holds and goes on with the stream.

import { useSignal } from '@preact/signals';
import type { Severity } from '../api';
import { EVENTS } from '../core/link';
import { status } from '../core/store';
import { EventList } from '../parts/EventList';
import { Waiting } from '../parts/Waiting';
import { say, word } from '../words/say';

const LEAST: Severity[] = ['info', 'warning', 'error'];

export function Timeline() {
  const channel = useSignal('');
  const least = useSignal<Severity>('info');
  const document = status.value;
  if (!document) return <Waiting />;
  return (
    <div class="page">
      <fieldset class="filters" aria-label={say('filters')}>
        <label>
          {say('channel')}{' '}
          <select
            value={channel.value}
            onChange={(event) => {
              channel.value = event.currentTarget.value;
            }}
          >
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
            value={least.value}
            onChange={(event) => {
              least.value = event.currentTarget.value as Severity;
            }}
          >
            {LEAST.map((one) => (
              <option key={one} value={one}>
                {word('severity', one)}
              </option>
            ))}
          </select>
        </label>
      </fieldset>
      <EventList channel={channel.value || null} least={least.value} most={EVENTS} />
    </div>
  );
}
