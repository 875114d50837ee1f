// What is plugged in, what signal it carries, who uses it.

import type { Devices, NodeRules } from '../api';
import { useResource } from '../core/resource';
import { status } from '../core/store';
import { Section } from '../parts/Frame';
import { Region, Table } from '../parts/Region';
import { Waiting } from '../parts/Waiting';
import { say } from '../words/say';
import { Input, SourceRows } from './rows';

export function Sources() {
  const document = status.value;
  const devices = useResource<Devices>('/api/v1/devices', 3000);
  if (!document) return <Waiting />;
  const rows = document.channels.flatMap((channel) =>
    (channel.report?.sources ?? []).map((source) => ({ channel, source })),
  );
  return (
    <div class="page">
      <Section title={say('sources_on_air')} id="used">
        {rows.length > 0 ? <SourceRows rows={rows} /> : <p class="empty">{say('no_source')}</p>}
      </Section>
      <Section title={say('capture_devices')} id="capture">
        <Region of={devices} empty={(found) => found.capture.length === 0} nothing={say('no_device')}>
          {(found) => (
            <Table
              title={say('capture_devices')}
              heads={[say('device'), say('card'), say('stable_name'), say('used_by'), say('signal')]}
            >
              {found.capture.map((one) => (
                <tr key={one.kernel}>
                  <th scope="row">
                    {one.name} <span class="quiet">{one.kernel}</span>
                  </th>
                  <td>{one.card ?? one.driver}</td>
                  <td class="name">{one.names[0] ?? one.node}</td>
                  <td>{one.used_by.map((use) => `${use.channel} / ${use.source}`).join(', ') || say('nobody')}</td>
                  <td>
                    <Input input={one.used_by[0]?.input} />
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Region>
      </Section>
      <Section title={say('sound_devices')} id="sound">
        <Region of={devices} empty={(found) => found.sound.length === 0} nothing={say('no_device')}>
          {(found) => (
            <Table title={say('sound_devices')} heads={[say('device'), say('stable_name'), say('card')]}>
              {found.sound.map((one) => (
                <tr key={one.device}>
                  <th scope="row">{one.name}</th>
                  <td class="name">{one.device}</td>
                  <td>{one.card}</td>
                </tr>
              ))}
            </Table>
          )}
        </Region>
      </Section>
      <Section title={say('device_rights')} id="rights">
        <Region of={devices} empty={(found) => found.nodes.length === 0} nothing={say('no_node')}>
          {(found) => (
            <Table title={say('device_rights')} heads={[say('device'), say('rights'), say('rules')]}>
              {found.nodes.map((one) => (
                <Node key={one.kernel} one={one} />
              ))}
            </Table>
          )}
        </Region>
      </Section>
    </div>
  );
}

/** A device that the daemon may not open looks like one that is not there: the rules say why. */
function Node({ one }: { one: NodeRules }) {
  const rights = one.rules.find((each) => each.rule === 'permissions');
  return (
    <tr>
      <th scope="row">
        {one.name} <span class="quiet">{one.kernel}</span>
      </th>
      <td>{rights ? (rights.matched ? `✓ ${say('rights_given')}` : `▲ ${say('rights_none')}`) : '–'}</td>
      <td>
        <ul lang="en">
          {one.rules.map((each) => (
            <li key={each.rule}>
              {each.matched ? '✓' : '○'} {each.rule}: <span class="quiet">{each.what}</span>
            </li>
          ))}
        </ul>
      </td>
    </tr>
  );
}
