// Tokens of programs. The text of one is shown once, here, when it is made.

import { stamp } from '../../core/format';
import { busy } from '../../core/request';
import { fresh, now } from '../../core/store';
import { act, expiry, made, ROLES, SCOPES, type Token } from '../../core/users';
import { Choice, Field, Form, Refused } from '../../parts/Form';
import { Table } from '../../parts/Region';
import { Sure } from '../../parts/Sure';
import { say, word } from '../../words/say';

const DAYS = [30, 90, 365, 0];

function rights(one: Token): string {
  const role = one.role ? [word('role', one.role)] : [];
  return [...role, ...one.scopes.map((scope) => word('scope', scope))].join(', ');
}

export function TokenRows({ all, again }: { all: Token[]; again: () => void }) {
  const revoke = async (one: Token) => {
    await act('tokens', 'DELETE', `tokens/${encodeURIComponent(one.id)}`);
    again();
  };
  const over = (one: Token) => one.expires !== null && Date.parse(one.expires) < now();
  const heads = [say('title'), say('rights'), say('ends'), say('last_used'), say('made_by'), say('act')];
  return (
    <>
      <Table title={say('tokens')} heads={heads}>
        {all.map((one) => (
          <tr key={one.id}>
            <th scope="row">
              {one.name} <span class="quiet">{one.id}</span>
            </th>
            <td>{rights(one)}</td>
            <td class="number">
              {one.expires === null ? say('never') : `${over(one) ? '▲ ' : ''}${stamp(one.expires)}`}
            </td>
            <td class="number">{one.last_used === null ? say('never') : stamp(one.last_used)}</td>
            <td>
              {one.created_by} <span class="quiet">{stamp(one.created)}</span>
            </td>
            <td>
              <Sure
                label={say('revoke')}
                about={one.name}
                disabled={!fresh.value || busy.value !== null}
                act={() => void revoke(one)}
              />
            </td>
          </tr>
        ))}
      </Table>
      <Refused part="tokens" />
    </>
  );
}

export function AddToken({ again }: { again: () => void }) {
  const send = async ({ name = '', right = '', days }: Record<string, string>) => {
    const [kind, word] = right.split(':');
    const rights = kind === 'role' ? { role: word } : { scopes: [word] };
    const body = { name, ...rights, expires: expiry(Number(days), now()) };
    const reply = await act<{ name: string; token: string }>('add-token', 'POST', 'tokens', body);
    if (!reply) return false;
    made.value = { name: reply.name, token: reply.token };
    again();
    return true;
  };
  const choices: [string, string][] = [
    ...ROLES.map((role): [string, string] => [`role:${role}`, word('role', role)]),
    ...SCOPES.map((scope): [string, string] => [`scope:${scope}`, word('scope', scope)]),
  ];
  const days = DAYS.map((many): [string, string] => [String(many), many ? say('days', { count: many }) : say('never')]);
  return (
    <>
      <Form part="add-token" title={say('add_token')} button={say('add_token')} send={send}>
        <Field id="token-name" name="name" label={say('title')} />
        <Choice id="token-right" name="right" label={say('rights')} of={choices} />
        <Choice id="token-days" name="days" label={say('ends')} of={days} />
      </Form>
      <Made />
    </>
  );
}

function Made() {
  const current = made.value;
  return (
    <div role="status">
      {current ? (
        <div class="once">
          <p>
            <strong>▲ {say('token_once', { name: current.name })}</strong>
          </p>
          <p>
            <code>{current.token}</code>
          </p>
          <button
            type="button"
            onClick={() => {
              made.value = null;
            }}
          >
            {say('seen')}
          </button>
        </div>
      ) : null}
    </div>
  );
}
