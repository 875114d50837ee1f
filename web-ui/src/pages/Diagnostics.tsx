// What one looks at when something is wrong, and what support wants to have.

import { useSignal } from '@preact/signals';
import type { ApplianceStatus } from '../api';
import { count, duration, stamp } from '../core/format';
import { whole } from '../core/report';
import { save } from '../core/save';
import { clock, fresh, now, since, status, tick } from '../core/store';
import { type Trouble, troubles } from '../core/troubles';
import { EventList } from '../parts/EventList';
import { Facts, Section } from '../parts/Frame';
import { Reason } from '../parts/Health';
import { Table } from '../parts/Region';
import { Waiting } from '../parts/Waiting';
import { say } from '../words/say';
import { Capacity } from './Capacity';

export function Diagnostics() {
  const document = status.value;
  if (!document) return <Waiting />;
  return (
    <div class="page">
      <Box document={document} />
      <Capacity document={document} />
      <Section title={say('workers')} id="workers">
        <Workers document={document} />
      </Section>
      <Section title={say('recent_troubles')} id="troubles">
        <EventList least="warning" most={20} />
      </Section>
      <Section title={say('refusals')} id="refusals">
        <p class="quiet">{say('refusals_advice')}</p>
        <Refusals all={troubles.value} />
      </Section>
      <Section title={say('support')} id="support">
        <Support name={document.name} />
      </Section>
    </div>
  );
}

/** Seconds that this computer's clock is behind the box's, in words. */
function apart(): string {
  const seconds = clock.ahead / 1000;
  if (Math.abs(seconds) < 1) return say('clocks_alike');
  return say(seconds > 0 ? 'clock_behind' : 'clock_ahead', { time: duration(Math.abs(seconds)) });
}

function Box({ document }: { document: ApplianceStatus }) {
  tick.value;
  const rows: [string, string][] = [
    [say('the_box'), document.name],
    [say('version'), document.version],
    [say('up'), say('up_since', { time: duration(since(document.started_at)), at: stamp(document.started_at) })],
    [say('clock'), `${stamp(new Date(now()).toISOString())} UTC, ${apart()}`],
    [say('page_configuration'), `${document.config.path}, ${say('generation', { count: document.config.generation })}`],
  ];
  return (
    <Section title={say('facts')} id="box">
      <Facts rows={rows} />
      <Reason report={document.health} />
      <p class="quiet">
        <a class="alone" href="/api/">
          {say('api_reference')}
        </a>{' '}
        ·{' '}
        <a class="alone" href="/metrics">
          {say('metrics')}
        </a>
      </p>
    </Section>
  );
}

function Workers({ document }: { document: ApplianceStatus }) {
  tick.value;
  const rows = document.channels;
  if (rows.length === 0) return <p class="empty">{say('no_channel')}</p>;
  return (
    <Table
      title={say('workers')}
      heads={[say('channel'), say('process'), say('up'), say('heartbeat'), say('restarts')]}
    >
      {rows.map(({ id, title, worker, restarts }) => (
        <tr key={id}>
          <th scope="row">{title}</th>
          <td class="number">{worker ? worker.pid : say('no_worker')}</td>
          <td class="number">
            {worker ? duration(since(worker.since)) : '–'}{' '}
            {worker?.adopted ? <span class="quiet">{say('adopted')}</span> : null}
          </td>
          <td class="number">{worker ? duration(worker.heartbeat_age_seconds) : '–'}</td>
          <td class="number">{count(restarts)}</td>
        </tr>
      ))}
    </Table>
  );
}

function Refusals({ all }: { all: Trouble[] }) {
  if (all.length === 0) return <p class="empty">{say('no_refusal')}</p>;
  return (
    <Table title={say('refusals')} heads={[say('time_utc'), say('asked_what'), say('answer'), say('request_id')]}>
      {all.map((one) => (
        <tr key={`${one.at}-${one.asked}`}>
          <td class="number">{stamp(new Date(one.at).toISOString())}</td>
          <th scope="row" class="name">
            {one.asked} {one.times > 1 ? <span class="quiet">× {count(one.times)}</span> : null}
          </th>
          <td>
            {one.problem.status || '–'} <span class="quiet">{one.problem.code}</span>{' '}
            <span class="why" lang="en">
              {one.problem.detail}
            </span>
          </td>
          <td class="name">
            <code>{one.problem.request_id ?? '–'}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Support({ name }: { name: string }) {
  const busy = useSignal(false);
  const take = async () => {
    busy.value = true;
    const text = await whole();
    busy.value = false;
    save(
      `uplink-${name}-${new Date(now()).toISOString().slice(0, 19).replaceAll(':', '')}.json`,
      text,
      'application/json',
    );
  };
  return (
    <>
      <ol class="steps">
        <li>{say('support_what')}</li>
        <li>{say('support_report')}</li>
        <li>
          {say('support_bundle')} <code>uplinkctl support-bundle</code>
        </li>
      </ol>
      <button type="button" disabled={!fresh.value || busy.value} onClick={take}>
        {say('save_report')}
      </button>
    </>
  );
}
