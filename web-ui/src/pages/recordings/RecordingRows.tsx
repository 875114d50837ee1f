// Recordings, newest first, a page at a time. One at a time is open: it can be played, cut, sent, protected and deleted there.

import { type Signal, useSignal } from '@preact/signals';
import type { RecordingSummary } from '../../api';
import type { Listed } from '../../core/ask';
import { bytes, counter, stamp } from '../../core/format';
import { keyOf } from '../../core/recordings';
import { useResource } from '../../core/resource';
import { Paging, type Places, paged } from '../../parts/Paging';
import { Region, Table } from '../../parts/Region';
import { say, word } from '../../words/say';
import { Opened } from './Opened';

const PAGE = 50;
const HEADS = ['begin', 'title', 'channel', 'length', 'size', 'integrity', 'markers', 'act'] as const;

export function RecordingRows() {
  const places = useSignal<string[]>([]);
  const open = useSignal<string | null>(null);
  const path = paged('/api/v1/recordings', PAGE, places);
  return <Page key={path} path={path} places={places} open={open} />;
}

function Page({ path, places, open }: { path: string; places: Places; open: Signal<string | null> }) {
  const found = useResource<Listed<RecordingSummary>>(path, 5000);
  return (
    <>
      <Region of={found} empty={({ items }) => items.length === 0} nothing={say('no_recording')}>
        {({ items }) => (
          <Table title={say('recordings')} heads={HEADS.map((head) => say(head))}>
            {items.map((one) => (
              <Recorded key={keyOf(one)} one={one} open={open} again={found.again} />
            ))}
          </Table>
        )}
      </Region>
      <Paging places={places} next={found.data?.next_cursor} />
    </>
  );
}

interface Props {
  one: RecordingSummary;
  open: Signal<string | null>;
  again: () => void;
}

function Recorded({ one, open, again }: Props) {
  const whole = one.gaps.length === 0 && one.state !== 'interrupted';
  const key = keyOf(one);
  const isOpen = open.value === key;
  const name = one.title ?? one.id;
  return (
    <>
      <tr data-recording={key}>
        <td>{stamp(one.begins)}</td>
        <th scope="row">
          {name} {one.protected ? <span class="quiet">{say('protected')}</span> : ''}
        </th>
        <td>{one.channel}</td>
        <td class="number">{counter(one.seconds)}</td>
        <td class="number">{bytes(one.bytes)}</td>
        <td>
          {whole ? '✓' : '▲'} {word('recording', one.state)}
          {one.gaps.length > 0 ? `, ${say('gaps_of', { count: one.gaps.length })}` : ''}
        </td>
        <td>{one.markers.map((marker) => `${marker.at.slice(11, 19)} ${marker.text}`).join(', ') || '–'}</td>
        <td>
          <button
            type="button"
            aria-expanded={isOpen}
            aria-label={`${say(isOpen ? 'close' : 'open')} ${name} ${one.id}`}
            onClick={() => {
              open.value = isOpen ? null : key;
            }}
          >
            {say(isOpen ? 'close' : 'open')}
          </button>
        </td>
      </tr>
      {isOpen ? (
        <tr class="opened">
          <td colSpan={HEADS.length}>
            <Opened one={one} again={again} />
          </td>
        </tr>
      ) : null}
    </>
  );
}
