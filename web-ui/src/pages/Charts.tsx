// The charts of a channel: bit rate of each rendition against its target, what waits for each destination, and its line.

import type { ChannelStatus, DestinationStatus, RenditionStatus } from '../api';
import { Chart } from '../parts/Chart';
import { say } from '../words/say';

/** So much, and the scale is the same for all; a line that goes above it makes its own. */
const WAITING_S = 10;
const ROOM = 1.3;

function Rendition({ channel, one }: { channel: string; one: RenditionStatus }) {
  const of = (what: string) => `rendition/${one.id}/${what}`;
  return (
    <Chart
      channel={channel}
      title={say('bit_rate_of', { name: one.id })}
      kind="bits"
      line={{ key: of('measured'), name: say('measured') }}
      target={{ key: of('target'), name: say('target') }}
      top={one.target * ROOM}
    />
  );
}

/** What waits for it; and how much its line carries, against what the ladder needs. */
export function DestinationCharts({ channel, one }: { channel: ChannelStatus; one: DestinationStatus }) {
  const of = (what: string) => `destination/${one.id}/${what}`;
  const name = `${channel.title} / ${one.id}`;
  return (
    <>
      <Chart
        channel={channel.id}
        title={say('waiting_of', { name })}
        kind="seconds"
        line={{ key: of('waiting'), name: say('waiting_there') }}
        top={WAITING_S}
      />
      {one.line ? (
        <Chart
          channel={channel.id}
          title={say('line_to', { name })}
          kind="bits"
          line={{ key: of('line'), name: say('measured') }}
          target={{ key: of('needed'), name: say('needed') }}
          top={one.line.needed * ROOM}
        />
      ) : null}
    </>
  );
}

export function ChannelCharts({ channel }: { channel: ChannelStatus }) {
  const destinations = (channel.report ?? channel.remainder)?.destinations ?? [];
  return (
    <div class="charts">
      {channel.report?.renditions.map((one) => (
        <Rendition key={one.id} channel={channel.id} one={one} />
      ))}
      {destinations.map((one) => (
        <DestinationCharts key={one.id} channel={channel} one={one} />
      ))}
    </div>
  );
}
