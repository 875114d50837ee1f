// Where somebody is signed in: one's own sessions, everybody's for an admin.

import { stamp } from '../../core/format';
import { busy } from '../../core/request';
import { fresh } from '../../core/store';
import { act, type Session } from '../../core/users';
import { Refused } from '../../parts/Form';
import { Table } from '../../parts/Region';
import { Sure } from '../../parts/Sure';
import { say } from '../../words/say';

export function SessionRows({ all, again }: { all: Session[]; again: () => void }) {
  const end = async (one: Session) => {
    await act('sessions', 'DELETE', `sessions/${encodeURIComponent(one.id)}`);
    again();
  };
  return (
    <>
      <Table
        title={say('sessions')}
        heads={[say('user_name'), say('from_where'), say('begin'), say('last_used'), say('ends'), say('act')]}
      >
        {all.map((one) => (
          <tr key={one.id}>
            <th scope="row">
              {one.user} {one.own ? <span class="quiet">{say('this_one')}</span> : null}
            </th>
            <td class="name">
              {one.from} <span class="why quiet">{one.agent}</span>
            </td>
            <td class="number">{stamp(one.created)}</td>
            <td class="number">{stamp(one.last_used)}</td>
            <td class="number">{stamp(one.ends)}</td>
            <td>
              {one.own ? null : (
                <Sure
                  label={say('end_session')}
                  about={`${one.user} ${one.from}`}
                  disabled={!fresh.value || busy.value !== null}
                  act={() => void end(one)}
                />
              )}
            </td>
          </tr>
        ))}
      </Table>
      <Refused part="sessions" />
    </>
  );
}
