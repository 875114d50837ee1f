// A small form: its fields with their words, one button, and what came of it. What was typed goes when it was taken.

import type { ComponentChildren } from 'preact';
import { busy, refusals } from '../core/request';
import { fresh } from '../core/store';
import { Trouble } from './Region';

interface Props {
  /** Names what is asked, and where its refusal is kept. */
  part: string;
  title: string;
  button: string;
  /** Nobody here may send it now; why is said beside it. */
  dead?: boolean;
  /** Whether it was done. */
  send: (fields: Record<string, string>) => Promise<boolean>;
  children?: ComponentChildren;
}

export function Form({ part, title, button, dead = false, send, children }: Props) {
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement) || dead) return;
    const fields = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
    if (await send(Object.fromEntries(fields))) form.reset();
  };
  const problem = refusals.value[part];
  return (
    <form class="act" aria-label={title} onSubmit={submit}>
      {children}
      <button type="submit" disabled={dead || !fresh.value || busy.value !== null}>
        {busy.value === part ? `… ${button}` : button}
      </button>
      {problem ? <Trouble problem={problem} /> : null}
    </form>
  );
}

interface FieldProps {
  id: string;
  name: string;
  label: string;
  kind?: 'text' | 'password';
  fills?: string;
  /** Left empty, it has a meaning of its own. */
  optional?: boolean;
  most?: number;
  /** Names a list of what it may be. */
  list?: string;
  /** What it must be, as a regular expression, and in words. */
  pattern?: string;
  hint?: string;
}

export function Field({ id, name, label, kind, fills, optional, most, list, pattern, hint }: FieldProps) {
  const rule = { maxLength: most, list, pattern, title: hint };
  const about = { id, name, autocomplete: fills ?? 'off', required: !optional, ...rule };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {kind === 'password' ? <input type="password" {...about} /> : <input type="text" {...about} />}
    </div>
  );
}

/** Yes or no: `name` is among the fields if it is. */
export function Check({ name, label }: { name: string; label: string }) {
  return (
    <label class="check">
      <input type="checkbox" name={name} /> {label}
    </label>
  );
}

interface ChoiceProps {
  id: string;
  name: string;
  label: string;
  of: [string, string][];
}

export function Choice({ id, name, label, of }: ChoiceProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} name={name}>
        {of.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What the last act on a row was refused with. */
export function Refused({ part }: { part: string }) {
  const problem = refusals.value[part];
  return problem ? <Trouble problem={problem} /> : null;
}
