// Who did what, newest first, a page at a time.

import { useSignal } from '@preact/signals';
import { stamp } from '../../core/format';
import { useResource } from '../../core/resource';
import type { Audit } from '../../core/users';
import { Paging, type Places, paged } from '../../parts/Paging';
import { Region, Table } from '../../parts/Region';
import { say, word } from '../../words/say';

const PAGE = 50;

export function AuditLog() {
  const places = useSignal<string[]>([]);
  const path = paged('/api/v1/audit', PAGE, places);
  return <Page key={path} path={path} places={places} />;
}

function Page({ path, places }: { path: string; places: Places }) {
  const found = useResource<Audit>(path, 15_000);
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
      <Paging places={places} next={found.data?.next_cursor} />
    </>
  );
}
