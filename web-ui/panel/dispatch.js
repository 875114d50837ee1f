// One command of a channel on its way: pending until the engine has confirmed it, then what came of it, in its words.
// Nothing lights up because it was pressed.

import { el, put } from './dom.js';
import { clock, duration } from './words.js';

const GIVE_UP_MS = 65000;

export class Dispatch {
  #channel;
  #link;
  #changed;
  #pending = null;
  message = el('p', { class: 'message', role: 'status' });

  /** `changed()` is called when a command begins and when it ends. */
  constructor(channel, link, changed) {
    this.#channel = channel;
    this.#link = link;
    this.#changed = changed;
  }

  /** Whether what is shown is true and no command is under way: then, and only then, may something be pressed. */
  get free() {
    return this.#link.fresh && !this.#pending;
  }

  /** Disables `button` unless it may be pressed now, and marks it while its command is under way. */
  rule(button, allowed) {
    const disabled = !(this.free && allowed);
    if (button.disabled !== disabled) button.disabled = disabled;
    button.classList.toggle('pending', this.#pending?.button === button);
  }

  tick() {
    if (!this.#pending) return;
    const seconds = (performance.now() - this.#pending.at) / 1000;
    const late = seconds > 3 ? ' Not confirmed yet.' : '';
    const silent = this.#link.fresh ? '' : ' No word from the daemon: the order may stand.';
    this.say('pending', `${this.#pending.doing} … ${duration(seconds)}.${late}${silent}`);
  }

  /** Sends `verb` with `body` for `button`, one of those in `group`; `doing` says what it is while it is pending. */
  async send(verb, body, doing, button, group) {
    if (!this.free) return;
    const held = group.contains(document.activeElement) || document.activeElement === document.body;
    this.#pending = { button, doing, at: performance.now() };
    this.#changed();
    const [kind, text] = await this.#ask(verb, body);
    this.#pending = null;
    this.say(kind, `${clock(this.#link.now)} ${text}`);
    this.#changed();
    // A disabled button loses the keyboard's place: give it back.
    if (held && document.activeElement === document.body) {
      (button.disabled ? group.querySelector('button:enabled') : button)?.focus();
    }
  }

  say(kind, text) {
    put(this.message, text);
    this.message.dataset.kind = kind;
  }

  /** The engine's own words, or the problem's. */
  async #ask(verb, body) {
    try {
      const path = `/api/v1/channels/${this.#channel}/${verb}`;
      const content = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      const send = (more) => {
        const headers = { ...content?.headers, ...more };
        return fetch(path, { method: 'POST', signal: AbortSignal.timeout(GIVE_UP_MS), ...content, headers });
      };
      let answer = await send();
      let said = await answer.json();
      // What viewers would notice was confirmed here, in two places, before it was sent.
      if (said.code === 'confirmation_required' && said.confirm.name === null) {
        answer = await send({ confirm: said.confirm.token });
        said = await answer.json();
      }
      if (answer.ok) return ['done', `✓ ${said.text}${said.changed ? '' : ' (it was so already)'}`];
      // Not confirmed is not refused: what was asked still holds, and may come true later.
      const what = said.code === 'not_confirmed' ? 'Not confirmed, the order stands' : 'Not done';
      return ['refused', `⬣ ${what}: ${said.detail} [${said.code}]`];
    } catch (error) {
      return ['refused', `⬣ No answer to ${verb} (${error.name}): the order may stand. See state above.`];
    }
  }
}
