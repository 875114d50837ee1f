// Who did what, newest first, a page at a time.

import { useSignal } from '@preact/signals';
import { stamp } from '../../core/format';
import { useResource } from '../../core/resource';
import type { Audit } from '../../core/users';
import { Region, Table } from '../../parts/Region';
import { say, word } from '../../words/say';

const PAGE = 50;

export function AuditLog() {
  // Places of the pages before this one; the newest page has none.
  const places = useSignal<string[]>([]);
  const place = places.value.at(-1);
  const path = `/api/v1/audit?limit=${PAGE}${place ? `&cursor=${encodeURIComponent(place)}` : ''}`;
  return <Page key={path} path={path} places={places} />;
}

function Page({ path, places }: { path: string; places: { value: string[] } }) {
  const found = useResource<Audit>(path, 15_000);
  const next = found.data?.next_cursor;
  return (
    <>
      <Region of={found} empty={(page) => page.items.length === 0} nothing={say('no_event')}>
        {(page) => (
          <Table title={say('audit_log')} heads={[say('time_utc'), say('who'), say('asked_what'), say('answer')]}>
            {page.items.map((one) => (
              <tr key={one.id}>
                <td class="number">{stamp(one.at)}</td>
                <th scope="row">
                  {one.who} <span class="quiet">{one.role ? word('role', one.role) : one.by}</span>{' '}
                  <span class="why quiet">{one.from}</span>
                </th>
                <td class="name">
                  {one.action} <span class="why quiet">{one.target}</span>
                </td>
                <td class="number">
                  {one.status < 400 ? '✓' : '⬣'} {one.status} <span class="quiet">{one.code ?? ''}</span>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Region>
      <div class="row">
        <button
          type="button"
          disabled={places.value.length === 0}
          onClick={() => {
            places.value = places.value.slice(0, -1);
          }}
        >
          {say('newer')}
        </button>
        <button
          type="button"
          disabled={!next}
          onClick={() => {
            if (next) places.value = [...places.value, next];
          }}
        >
          {say('older')}
        </button>
      </div>
    </>
  );
}
