// Who is told of alarms elsewhere: webhooks and the e-mail, how it stands with each, and a test.

import { useSignal } from '@preact/signals';
import type { NotifyStatus, NotifyTest } from '../../api';
import { count, stamp } from '../../core/format';
import { hindrance } from '../../core/hindrance';
import { busy, request } from '../../core/request';
import { useResource } from '../../core/resource';
import { Refused } from '../../parts/Form';
import { Section } from '../../parts/Frame';
import { Hindered } from '../../parts/Hindered';
import { Region, Table } from '../../parts/Region';
import { say } from '../../words/say';

const EVERY_MS = 3000;

export function Notices() {
  const found = useResource<NotifyStatus[]>('/api/v1/notify', EVERY_MS);
  return (
    <Section title={say('notices')} id="notices">
      <p class="quiet">{say('notices_advice')}</p>
      <Region of={found} empty={(all) => all.length === 0} nothing={say('no_notice')}>
        {(all) => <Rows all={all} again={found.again} />}
      </Region>
    </Section>
  );
}

function Rows({ all, again }: { all: NotifyStatus[]; again: () => void }) {
  const told = useSignal<string | null>(null);
  const by = hindrance({ role: 'engineer' });
  const test = async ({ name }: NotifyStatus) => {
    told.value = null;
    const path = `notify/${encodeURIComponent(name)}/test`;
    const done = await request<NotifyTest>({ part: 'notify', method: 'POST', path });
    told.value = done?.text ?? null;
    again();
  };
  const heads = [
    'title',
    'to_where',
    'state',
    'notices_waiting',
    'notices_delivered',
    'notices_dropped',
    'act',
  ] as const;
  return (
    <>
      <Table title={say('notices')} heads={heads.map((head) => say(head))}>
        {all.map((one) => (
          <tr key={one.name} data-receiver={one.name}>
            <th scope="row">{one.name}</th>
            <td class="name">{one.to}</td>
            <td>
              <Standing one={one} />
            </td>
            <td class="number">{count(one.waiting)}</td>
            <td class="number">
              {count(one.delivered)}{' '}
              <span class="why quiet">{one.last_delivered ? stamp(one.last_delivered) : ''}</span>
            </td>
            <td class="number">{count(one.dropped)}</td>
            <td>
              <button
                type="button"
                aria-label={`${say('notice_test')} ${one.name}`}
                disabled={by !== null || busy.value !== null}
                onClick={() => test(one)}
              >
                {say('notice_test')}
              </button>
            </td>
          </tr>
        ))}
      </Table>
      <Hindered by={by} />
      <p role="status" data-told="notify">
        {told.value === null ? '' : <span lang="en">✓ {told.value}</span>}
      </p>
      <Refused part="notify" />
    </>
  );
}

function Standing({ one }: { one: NotifyStatus }) {
  if (one.disabled) return <>○ {say('notice_disabled')}</>;
  if (one.failures > 0) {
    return (
      <>
        ▲ {say('notice_failing', { count: one.failures })}
        <span class="why" lang="en">
          {one.last_error}
        </span>
      </>
    );
  }
  if (one.waiting > 0) return <>… {say('notice_on_its_way')}</>;
  return <>{one.last_delivered ? `✓ ${say('notice_works')}` : `○ ${say('notice_unused')}`}</>;
}
