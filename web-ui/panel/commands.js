// The four verbs of a channel. Nothing lights up because it was pressed: it is pending until the engine has confirmed.
// Stop takes two steps in two places, because it ends the broadcast; slate is the fast way out.

import { el, put, show } from './dom.js';
import { clock, duration } from './words.js';

const ARMED_MS = 4000;
const GIVE_UP_MS = 65000;
const VERBS = { start: 'Starting', stop: 'Stopping', slate: 'Going to slate', release: 'Releasing' };

export class Commands {
  #channel;
  #link;
  #buttons = {};
  #allowed = {};
  #pending = null;
  #armed = null;
  #message = el('p', { class: 'message', role: 'status' });
  #left = el('span', { class: 'left' });
  #keep;
  #confirm;
  bar;
  strip;

  constructor(channel, title, link) {
    this.#channel = channel;
    this.#link = link;
    const button = (verb, text, act) => {
      this.#buttons[verb] = el(
        'button',
        { type: 'button', class: verb, 'aria-label': `${text} ${title}`, onclick: act },
        text,
      );
      return this.#buttons[verb];
    };
    this.bar = el(
      'div',
      { class: 'commands' },
      button('start', 'Start', () => this.#send('start')),
      button('slate', 'Slate', () => this.#send('slate')),
      button('release', 'Release', () => this.#send('release')),
      button('stop', 'Stop …', () => this.#arm()),
      this.#message,
    );
    this.#confirm = el(
      'button',
      { type: 'button', class: 'confirm', onclick: () => this.#fire() },
      'Confirm: take off air',
    );
    this.#keep = el(
      'button',
      { type: 'button', onclick: () => this.#disarm('Stop was not confirmed.') },
      'Keep on air',
    );
    this.strip = el(
      'div',
      { class: 'arm', hidden: true, role: 'group', 'aria-label': `Stop ${title}?` },
      el('p', {}, `Take ${title} OFF AIR? `, this.#left),
      this.#confirm,
      this.#keep,
    );
    for (const place of [this.strip, this.bar]) {
      place.addEventListener('keydown', (key) => {
        if (key.key === 'Escape') this.#disarm('Stop was not confirmed.');
      });
    }
  }

  /** What makes sense now, by the newest document. */
  update(channel) {
    const on = channel.order === 'on_air';
    const program = channel.report?.program;
    this.#allowed = {
      start: !on || channel.state === 'failed',
      stop: on || !['idle', 'stopping'].includes(channel.state),
      slate: on && channel.state !== 'failed',
      release: on && program != null && program.order.show !== 'auto',
    };
    this.tick();
  }

  tick() {
    const free = this.#link.fresh && !this.#pending;
    for (const [verb, button] of Object.entries(this.#buttons)) {
      const disabled = !(free && this.#allowed[verb]);
      if (button.disabled !== disabled) button.disabled = disabled;
      button.classList.toggle('pending', this.#pending?.verb === verb);
    }
    if (this.#pending) this.#waiting();
    if (this.#armed) this.#count();
  }

  #waiting() {
    const seconds = (performance.now() - this.#pending.at) / 1000;
    const late = seconds > 3 ? ' Not confirmed yet.' : '';
    const silent = this.#link.fresh ? '' : ' No word from the daemon: the order may stand.';
    this.#say('pending', `${VERBS[this.#pending.verb]} … ${duration(seconds)}.${late}${silent}`);
  }

  #count() {
    const left = this.#armed - performance.now();
    if (!this.#link.fresh) this.#disarm('Stop was not sent: no word from the daemon.');
    else if (left <= 0) this.#disarm('Stop was not confirmed in time; nothing was sent.');
    else put(this.#left, `${Math.ceil(left / 1000)} s to confirm`);
  }

  #arm() {
    if (this.#armed) return;
    this.#armed = performance.now() + ARMED_MS;
    show(this.strip, true);
    this.#say('pending', 'Stop is armed: confirm over the picture.');
    this.tick();
  }

  #disarm(why) {
    if (!this.#armed) return;
    const inside = this.strip.contains(document.activeElement);
    this.#armed = null;
    show(this.strip, false);
    this.#say('plain', why);
    this.tick();
    if (inside) this.#buttons.stop.focus();
  }

  #fire() {
    if (!this.#armed || this.#armed < performance.now()) return;
    this.#armed = null;
    show(this.strip, false);
    this.#send('stop');
  }

  async #send(verb) {
    if (this.#pending || !this.#link.fresh) return;
    const held = this.bar.contains(document.activeElement) || document.activeElement === document.body;
    this.#pending = { verb, at: performance.now() };
    this.tick();
    const [kind, text] = await this.#ask(verb);
    const at = clock(this.#link.now);
    this.#pending = null;
    this.#say(kind, `${at} ${text}`);
    this.tick();
    // A disabled button loses the keyboard's place: give it back.
    if (held && document.activeElement === document.body) this.bar.querySelector('button:enabled')?.focus();
  }

  /** The engine's own words, or the problem's. */
  async #ask(verb) {
    try {
      const path = `/api/v1/channels/${this.#channel}/${verb}`;
      const answer = await fetch(path, { method: 'POST', signal: AbortSignal.timeout(GIVE_UP_MS) });
      const body = await answer.json();
      if (answer.ok) return ['done', `✓ ${body.text}${body.changed ? '' : ' (it was so already)'}`];
      return ['refused', `⬣ Not done: ${body.detail} [${body.code}]`];
    } catch (error) {
      return ['refused', `⬣ No answer to ${verb} (${error.name}): the order may stand. See state above.`];
    }
  }

  #say(kind, text) {
    put(this.#message, text);
    this.#message.dataset.kind = kind;
  }
}
