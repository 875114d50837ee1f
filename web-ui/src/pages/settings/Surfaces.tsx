// Displays that are told by TSL UMD, and orders that come by OSC: what is configured, and how it stands.

import type { OscStatus, SurfacesStatus, TslStatus } from '../../api';
import { count } from '../../core/format';
import { useResource } from '../../core/resource';
import { Facts, Section } from '../../parts/Frame';
import { Region, Table } from '../../parts/Region';
import { say } from '../../words/say';

const EVERY_MS = 3000;

export function Surfaces() {
  const found = useResource<SurfacesStatus>('/api/v1/surfaces', EVERY_MS);
  const none = ({ tsl, osc }: SurfacesStatus) => tsl.length === 0 && osc == null;
  return (
    <Section title={say('surfaces')} id="surfaces">
      <p class="quiet">{say('surfaces_advice')}</p>
      <Region of={found} empty={none} nothing={say('no_surface')}>
        {({ tsl, osc }) => (
          <>
            {tsl.length > 0 ? <Displays all={tsl} /> : null}
            {osc ? <Osc osc={osc} /> : null}
          </>
        )}
      </Region>
    </Section>
  );
}

function Displays({ all }: { all: TslStatus[] }) {
  const heads = ['tally_displays', 'to_where', 'state', 'displays', 'packets', 'packets_failed'] as const;
  return (
    <Table title={say('tally_displays')} heads={heads.map((head) => say(head))}>
      {all.map((one) => (
        <tr key={one.name}>
          <th scope="row">{one.name}</th>
          <td class="name">{one.address}</td>
          <td>
            <Standing trouble={one.last_error} good="surface_told" />
          </td>
          <td class="number">{count(one.displays)}</td>
          <td class="number">{count(one.packets)}</td>
          <td class="number">{count(one.failures)}</td>
        </tr>
      ))}
    </Table>
  );
}

function Osc({ osc }: { osc: OscStatus }) {
  const heard = { done: osc.done, refused: osc.refused, strangers: osc.strangers, noise: osc.noise };
  return (
    <>
      <h3>{say('osc')}</h3>
      <Standing trouble={osc.last_error} good="surface_heard" />
      <Facts
        rows={[
          [say('listens_at'), osc.listen],
          [say('osc_orders'), say('osc_counts', heard)],
        ]}
      />
    </>
  );
}

function Standing({ trouble, good }: { trouble: string | null | undefined; good: 'surface_told' | 'surface_heard' }) {
  if (trouble == null) return <>✓ {say(good)}</>;
  return (
    <>
      ▲ {say('surface_failing')}
      <span class="why" lang="en">
        {trouble}
      </span>
    </>
  );
}
