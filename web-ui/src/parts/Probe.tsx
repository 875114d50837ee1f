// A destination is tried without going live: name, connection, certificate, credentials, rate.

import { useSignal } from '@preact/signals';
import type { Configured, Finding, Probe, Probed, Problem } from '../api';
import { send } from '../core/ask';
import { stamp } from '../core/format';
import { useResource } from '../core/resource';
import { has } from '../core/session';
import { phase } from '../core/store';
import { say, word } from '../words/say';
import { Section } from './Frame';
import { Region, Table, Trouble } from './Region';

/** All that the configuration names, on air or not. */
export function Probes() {
  const found = useResource<Configured[]>('/api/v1/destinations', 10_000);
  return (
    <Section title={say('probe')} id="probe">
      <p class="quiet">{say('probe_advice')}</p>
      <Region of={found} empty={(list) => list.length === 0} nothing={say('nothing_to_probe')}>
        {(list) => (
          <Table title={say('probe')} heads={[say('destination'), say('endpoints'), say('act'), say('result')]}>
            {list.map((one) => (
              <Row key={`${one.channel}/${one.destination}`} one={one} />
            ))}
          </Table>
        )}
      </Region>
    </Section>
  );
}

function Row({ one }: { one: Configured }) {
  const busy = useSignal(false);
  const answer = useSignal<Probe | null>(null);
  const problem = useSignal<Problem | null>(null);
  const name = `${one.channel} / ${one.destination}`;
  const ask = async () => {
    busy.value = true;
    const path = `/api/v1/channels/${one.channel}/destinations/${one.destination}/probe`;
    const reply = await send<Probe>('POST', path);
    busy.value = false;
    answer.value = reply.ok ? reply.data : null;
    problem.value = reply.ok ? null : reply.problem;
  };
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{one.endpoints.join(', ')}</td>
      <td>
        <button
          type="button"
          aria-label={`${say('probe')} ${name}`}
          disabled={busy.value || phase.value !== 'live' || !has('operator')}
          onClick={ask}
        >
          {say('probe')}
        </button>
      </td>
      <td aria-live="polite">
        {busy.value ? say('probing') : null}
        {problem.value && !busy.value ? <Trouble problem={problem.value} /> : null}
        {answer.value && !busy.value ? <Found probe={answer.value} /> : null}
      </td>
    </tr>
  );
}

function Found({ probe }: { probe: Probe }) {
  return (
    <>
      <p class="quiet">{stamp(probe.at)}</p>
      {probe.endpoints.map((one: Probed) => (
        <div key={one.endpoint}>
          <strong>{one.endpoint}</strong>
          <ul class="plain">
            {one.findings.map((finding) => (
              <Line key={`${finding.check} ${finding.seen}`} finding={finding} />
            ))}
          </ul>
        </div>
      ))}
    </>
  );
}

/** Shape, word and light, as health has them. */
const MARKS = { ok: '✓', warn: '▲', fault: '⬣', not_here: '○' } as const;

function Line({ finding }: { finding: Finding }) {
  return (
    <li>
      {MARKS[finding.state]} {word('found', finding.state)} <span class="quiet">{finding.check}</span>{' '}
      <span lang="en">{finding.seen}</span>
      {finding.fault ? ` (${word('whose', finding.fault)})` : null}
      {finding.do ? (
        <div lang="en">
          → <strong>{finding.do}</strong>
        </div>
      ) : null}
    </li>
  );
}
