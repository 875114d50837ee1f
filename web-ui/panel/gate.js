// Who is here. Where nobody has to log in, that is said all the time; otherwise the form stands in front of everything
// until somebody has.

import { el, put, show } from './dom.js';

const LIMIT_MS = 5000;
const at = (id) => document.getElementById(id);

async function ask(path, method, body) {
  const answer = await fetch(path, {
    method,
    headers: body ? { 'content-type': 'application/json' } : {},
    body: body ? JSON.stringify(body) : undefined,
    signal: AbortSignal.timeout(method === 'GET' ? LIMIT_MS : 4 * LIMIT_MS),
  });
  const text = await answer.text();
  return { ok: answer.ok, status: answer.status, said: text ? JSON.parse(text) : {} };
}

/** Says in every status document who may use this box. */
export function opened(status) {
  show(at('open-band'), status.access === 'open');
}

/** Looks whether somebody is logged in, and shows the form if not. */
export async function look() {
  let answer;
  try {
    answer = await ask('/api/v1/session', 'GET');
  } catch {
    // A daemon that does not answer is told elsewhere on this page.
    return;
  }
  if (answer.status === 401) form(answer.said.code === 'setup_required');
  else if (answer.ok && answer.said.by === 'session') leave(answer.said);
}

function leave(who) {
  put(at('who'), `${who.name} (${who.role})`);
  show(at('leave'), true);
  at('leave').onclick = async () => {
    await ask('/api/v1/session', 'DELETE').catch(() => {});
    location.reload();
  };
}

function field(label, about) {
  const input = el('input', { required: true, ...about });
  return [el('label', {}, label, input), input];
}

function form(first) {
  const place = at('gate');
  if (!place.hidden) return;
  const [codeField, code] = field('One-time code', {
    name: 'code',
    autocomplete: 'one-time-code',
    spellcheck: 'false',
  });
  const [nameField, name] = field('Name', { name: 'name', autocomplete: 'username', autocapitalize: 'none' });
  const kind = first ? 'new-password' : 'current-password';
  const [wordField, word] = field('Password', { name: 'password', type: 'password', autocomplete: kind });
  const said = el('p', { role: 'alert' });
  const button = el('button', { type: 'submit' }, first ? 'Make the first admin' : 'Log in');
  const about = first
    ? 'This box has no users yet. The one-time code stands on its console, in its log and in first-run-code of its state directory.'
    : 'Channels on air stay on air, whether anybody is logged in or not.';
  const node = el(
    'form',
    {
      onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        put(said, '');
        const who = { name: name.value, password: word.value };
        try {
          const answer = first
            ? await ask('/api/v1/setup', 'POST', { code: code.value, ...who })
            : await ask('/api/v1/session', 'POST', who);
          if (answer.ok) location.reload();
          else put(said, answer.said.detail ?? 'That did not work.');
        } catch {
          put(said, 'The daemon does not answer.');
        }
        button.disabled = false;
      },
    },
    el('h2', {}, first ? 'First admin' : 'Log in'),
    el('p', { class: 'quiet' }, about),
    ...(first ? [codeField] : []),
    nameField,
    wordField,
    button,
    said,
  );
  place.replaceChildren(node);
  show(place, true);
  (first ? code : name).focus();
}
