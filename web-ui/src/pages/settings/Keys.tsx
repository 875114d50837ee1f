// Keys for Bitfocus Companion and its like: what each shows now, and the addresses to copy.

import { useSignal } from '@preact/signals';
import type { Button, ButtonList } from '../../api';
import { useResource } from '../../core/resource';
import { channelOf } from '../../core/store';
import { Copy } from '../../parts/Copy';
import { Section } from '../../parts/Frame';
import { Region, Table } from '../../parts/Region';
import { say, word } from '../../words/say';

const EVERY_MS = 2000;
const BELOW = '/api/v1/surfaces/buttons';

export function Keys() {
  const found = useResource<ButtonList>(BELOW, EVERY_MS);
  return (
    <Section title={say('surface_keys')} id="surface-keys">
      <p class="quiet">{say('surface_keys_advice')}</p>
      <Copy text={location.origin} about={say('base_address')} />
      <Region of={found} empty={({ items }) => items.length === 0} nothing={say('no_channel')}>
        {({ items }) =>
          [...new Set(items.map((one) => one.channel))].map((channel) => (
            <OfChannel key={channel} id={channel} all={items.filter((one) => one.channel === channel)} />
          ))
        }
      </Region>
    </Section>
  );
}

/** Sixteen channels have hundreds of keys: they are drawn where somebody looks. */
function OfChannel({ id, all }: { id: string; all: Button[] }) {
  const open = useSignal(false);
  const title = channelOf(id)?.title ?? id;
  return (
    <details
      data-keys={id}
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>{say('surface_keys_of', { channel: title, count: all.length })}</summary>
      {open.value ? (
        <Table
          title={say('surface_keys_of', { channel: title, count: all.length })}
          heads={[say('surface_key'), say('state'), say('key_shows'), say('key_press')]}
        >
          {all.map((one) => (
            <Row key={one.id} one={one} />
          ))}
        </Table>
      ) : null}
    </details>
  );
}

function Row({ one }: { one: Button }) {
  const { id, label, color, text_color, press } = one;
  const path = `${BELOW}/${encodeURIComponent(id)}`;
  return (
    <tr>
      <th scope="row">
        <span class="surface-key" style={{ background: color, color: text_color }}>
          {label}
        </span>{' '}
        <span class="why quiet">{id}</span>
      </th>
      <td>{word('key_state', one.state)}</td>
      <td>
        <Copy text={path} about={say('key_shows_of', { key: id })} />
      </td>
      <td>
        {press ? (
          <>
            <Copy text={press.path} about={say('key_press_of', { key: id, method: press.method })} />
            {press.body ? <Copy text={JSON.stringify(press.body)} about={say('key_body_of', { key: id })} /> : null}
          </>
        ) : (
          '–'
        )}
      </td>
    </tr>
  );
}
