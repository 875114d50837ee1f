// The four verbs of a channel. Stop takes two steps in two places, because it ends the broadcast; slate is the fast way
// out.

import { el, put, show } from './dom.js';

const ARMED_MS = 4000;
const VERBS = { start: 'Starting', stop: 'Stopping', slate: 'Going to slate', release: 'Releasing' };

export class Commands {
  #link;
  #dispatch;
  #buttons = {};
  #allowed = {};
  #armed = null;
  #left = el('span', { class: 'left' });
  #keep;
  #confirm;
  bar;
  strip;

  constructor(title, link, dispatch) {
    this.#link = link;
    this.#dispatch = dispatch;
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
      dispatch.message,
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
  }

  tick() {
    for (const [verb, button] of Object.entries(this.#buttons)) this.#dispatch.rule(button, this.#allowed[verb]);
    if (this.#armed) this.#count();
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
    this.#dispatch.say('pending', 'Stop is armed: confirm over the picture.');
    this.tick();
  }

  #disarm(why) {
    if (!this.#armed) return;
    const inside = this.strip.contains(document.activeElement);
    this.#armed = null;
    show(this.strip, false);
    this.#dispatch.say('plain', why);
    this.tick();
    if (inside) this.#buttons.stop.focus();
  }

  #fire() {
    if (!this.#armed || this.#armed < performance.now()) return;
    this.#armed = null;
    show(this.strip, false);
    this.#send('stop');
  }

  #send(verb) {
    this.#dispatch.send(verb, null, VERBS[verb], this.#buttons[verb], this.bar);
  }
}
