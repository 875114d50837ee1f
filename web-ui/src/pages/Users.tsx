// Who may what: oneself, and for admins users, tokens and the audit log.

import { useResource } from '../core/resource';
import { has, who } from '../core/session';
import { status } from '../core/store';
import type { Session, Token, User } from '../core/users';
import { Facts, Section } from '../parts/Frame';
import { Region } from '../parts/Region';
import { Waiting } from '../parts/Waiting';
import { say, word } from '../words/say';
import { AuditLog } from './users/AuditLog';
import { Password } from './users/Password';
import { SessionRows } from './users/SessionRows';
import { AddToken, TokenRows } from './users/TokenRows';
import { AddUser, SetPassword, UserRows } from './users/UserRows';

const EVERY_MS = 15_000;

export function Users() {
  const known = who.value;
  if (!status.value) return <Waiting />;
  if (!known) return <p class="empty">{say('no_users_here')}</p>;
  return (
    <div class="page">
      <Section title={say('me')} id="me">
        <Facts
          rows={[
            [say('user_name'), known.name],
            [say('role'), known.role ? word('role', known.role) : '–'],
          ]}
        />
        {known.access === 'open' ? <p class="empty">{say('open_access')}</p> : <Password />}
      </Section>
      <Sessions />
      {has('admin') ? (
        <>
          <UserList />
          <TokenList />
          <Section title={say('audit_log')} id="audit">
            <AuditLog />
          </Section>
        </>
      ) : (
        <Section title={say('page_users')} id="users">
          <p class="empty">{say('needs_role', { role: word('role', 'admin') })}</p>
        </Section>
      )}
    </div>
  );
}

function Sessions() {
  const found = useResource<Session[]>('/api/v1/sessions', EVERY_MS);
  return (
    <Section title={say('sessions')} id="sessions">
      <Region of={found} empty={(all) => all.length === 0} nothing={say('no_session')}>
        {(all) => <SessionRows all={all} again={found.again} />}
      </Region>
    </Section>
  );
}

function UserList() {
  const found = useResource<User[]>('/api/v1/users', EVERY_MS);
  return (
    <Section title={say('page_users')} id="users">
      <Region of={found} empty={(all) => all.length === 0} nothing={say('no_user')}>
        {(all) => (
          <>
            <UserRows all={all} again={found.again} />
            <SetPassword all={all} />
          </>
        )}
      </Region>
      <AddUser again={found.again} />
    </Section>
  );
}

function TokenList() {
  const found = useResource<Token[]>('/api/v1/tokens', EVERY_MS);
  return (
    <Section title={say('tokens')} id="tokens">
      <p class="quiet">{say('tokens_advice')}</p>
      <Region of={found} empty={(all) => all.length === 0} nothing={say('no_token')}>
        {(all) => <TokenRows all={all} again={found.again} />}
      </Region>
      <AddToken again={found.again} />
    </Section>
  );
}
