// Users: role, whether they may sign in, their end. What is shown is what the daemon says after each act.

import { useSignal } from '@preact/signals';
import type { Role } from '../../api';
import { stamp } from '../../core/format';
import { busy } from '../../core/request';
import { who } from '../../core/session';
import { fresh } from '../../core/store';
import { act, ROLES, type User } from '../../core/users';
import { Choice, Field, Form, Refused } from '../../parts/Form';
import { Table } from '../../parts/Region';
import { Sure } from '../../parts/Sure';
import { say, word } from '../../words/say';

const roles = (): [string, string][] => ROLES.map((role) => [role, word('role', role)]);

export function UserRows({ all, again }: { all: User[]; again: () => void }) {
  const change = async (one: User, method: string, body?: unknown) => {
    await act('users', method, `users/${encodeURIComponent(one.name)}`, body);
    again();
  };
  const shut = !fresh.value || busy.value !== null;
  return (
    <>
      <Table
        title={say('page_users')}
        heads={[say('user_name'), say('role'), say('state'), say('since_when'), say('act')]}
      >
        {all.map((one) => (
          <tr key={one.name}>
            <th scope="row">
              {one.name} {one.name === who.value?.name ? <span class="quiet">{say('this_one')}</span> : null}
            </th>
            <td>
              <select
                aria-label={say('role_of', { name: one.name })}
                disabled={shut}
                value={one.role}
                onChange={(event) => {
                  const wanted = event.currentTarget.value as Role;
                  // It shows what is so, until the daemon says otherwise.
                  event.currentTarget.value = one.role;
                  void change(one, 'PATCH', { role: wanted });
                }}
              >
                {roles().map(([value, text]) => (
                  <option key={value} value={value}>
                    {text}
                  </option>
                ))}
              </select>
            </td>
            <td>{one.disabled ? `▲ ${say('user_disabled')}` : say('user_enabled')}</td>
            <td class="number">{stamp(one.created)}</td>
            <td>
              <div class="row">
                {one.disabled ? (
                  <button
                    type="button"
                    aria-label={`${say('enable')} ${one.name}`}
                    disabled={shut}
                    onClick={() => change(one, 'PATCH', { disabled: false })}
                  >
                    {say('enable')}
                  </button>
                ) : (
                  <Sure
                    label={say('disable')}
                    about={one.name}
                    disabled={shut}
                    act={() => void change(one, 'PATCH', { disabled: true })}
                  />
                )}
                <Sure label={say('remove')} about={one.name} disabled={shut} act={() => void change(one, 'DELETE')} />
              </div>
            </td>
          </tr>
        ))}
      </Table>
      <Refused part="users" />
    </>
  );
}

export function AddUser({ again }: { again: () => void }) {
  const send = async ({ name, role, password }: Record<string, string>) => {
    const done = (await act('add-user', 'POST', 'users', { name, role, password })) !== null;
    if (done) again();
    return done;
  };
  return (
    <Form part="add-user" title={say('add_user')} button={say('add_user')} send={send}>
      <Field id="user-name" name="name" label={say('user_name')} />
      <Choice id="user-role" name="role" label={say('role')} of={roles()} />
      <Field id="user-password" name="password" label={say('password')} kind="password" fills="new-password" />
    </Form>
  );
}

/** Another password for somebody who has lost theirs; their sessions end. */
export function SetPassword({ all }: { all: User[] }) {
  const done = useSignal<string | null>(null);
  const send = async ({ name = '', password }: Record<string, string>) => {
    const well = (await act('set-password', 'PATCH', `users/${encodeURIComponent(name)}`, { password })) !== null;
    done.value = well ? name : null;
    return well;
  };
  const names = all.map(({ name }): [string, string] => [name, name]);
  return (
    <details>
      <summary>{say('set_password')}</summary>
      <Form part="set-password" title={say('set_password')} button={say('set_password')} send={send}>
        <Choice id="reset-name" name="name" label={say('user_name')} of={names} />
        <Field id="reset-password" name="password" label={say('password_new')} kind="password" fills="new-password" />
      </Form>
      <p role="status">{done.value === null ? '' : `✓ ${say('password_set', { name: done.value })}`}</p>
    </details>
  );
}
