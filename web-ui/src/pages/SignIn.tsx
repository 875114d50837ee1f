// Signing in, and on a new box making the first user with the code that its console shows.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Problem } from '../api';
import { retry } from '../core/link';
import { door, enter } from '../core/session';
import { type Key, say } from '../words/say';

interface Field {
  name: string;
  label: Key;
  kind: 'text' | 'password';
  fills: string;
}

const FIELDS: Record<'login' | 'setup', Field[]> = {
  login: [
    { name: 'name', label: 'user_name', kind: 'text', fills: 'username' },
    { name: 'password', label: 'password', kind: 'password', fills: 'current-password' },
  ],
  setup: [
    { name: 'code', label: 'one_time_code', kind: 'text', fills: 'one-time-code' },
    { name: 'name', label: 'user_name', kind: 'text', fills: 'username' },
    { name: 'password', label: 'password', kind: 'password', fills: 'new-password' },
  ],
};

function Entry({ field }: { field: Field }) {
  const plain = { autocapitalize: 'none' as const, spellcheck: false };
  const about = { id: `sign-in-${field.name}`, name: field.name, autocomplete: field.fills, required: true, ...plain };
  return field.kind === 'password' ? <input type="password" {...about} /> : <input type="text" {...about} />;
}

export function SignIn() {
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const kind = door.value;
  useEffect(() => {
    if (kind !== 'closed') document.getElementById(`sign-in-${FIELDS[kind][0]?.name}`)?.focus();
  }, [kind]);
  if (kind === 'closed') return <p class="empty">{say('forbidden_page')}</p>;
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement) || busy.peek()) return;
    const entries = [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)]);
    busy.value = true;
    problem.value = await enter(kind === 'setup' ? 'setup' : 'session', Object.fromEntries(entries));
    busy.value = false;
    if (!problem.peek()) retry();
  };
  return (
    <form class="sign-in" onSubmit={submit}>
      <h2>{say(kind === 'setup' ? 'first_admin' : 'sign_in')}</h2>
      <p class="quiet">{say(kind === 'setup' ? 'first_admin_advice' : 'sign_in_advice')}</p>
      {FIELDS[kind].map((field) => (
        <div key={field.name} class="field">
          <label for={`sign-in-${field.name}`}>{say(field.label)}</label>
          <Entry field={field} />
        </div>
      ))}
      <button type="submit" disabled={busy.value}>
        {say(kind === 'setup' ? 'make_admin' : 'sign_in')}
      </button>
      {problem.value ? (
        <p class="trouble" role="alert">
          ⬣ {problem.value.title}: <span lang="en">{problem.value.detail}</span>
        </p>
      ) : null}
    </form>
  );
}
