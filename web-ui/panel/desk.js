// The desk of a channel: a press puts something next, another takes it. The two steps are the guard; what is next and
// what is on air is what the worker reports, never what was pressed.

import * as bus from './bus.js';
import { el, kind, put, show } from './dom.js';
import { Picture } from './picture.js';
import * as words from './words.js';

/** Lengths of a dissolve, milliseconds. */
const LENGTHS = [250, 500, 1000, 2000];

export class Desk {
  #title;
  #dispatch;
  #places = new Map();
  #bus = el('div', { class: 'bus' });
  #next = el('p', { class: 'next' });
  #coming = el('p', { class: 'quiet' });
  #length;
  #take;
  #dissolve;
  #picture;
  #channel = null;
  node;

  constructor(channel, title, dispatch) {
    this.#title = title;
    this.#dispatch = dispatch;
    this.#picture = new Picture(
      `/api/v1/channels/${channel}/preview.jpg`,
      `What is next on ${title}`,
      'Nothing is next',
    );
    this.#length = el(
      'select',
      { 'aria-label': `Length of a dissolve on ${title}` },
      ...LENGTHS.map((ms) => el('option', { value: ms, selected: ms === 500 }, words.duration(ms / 1000))),
    );
    const button = (name, text, act) =>
      el('button', { type: 'button', class: name, 'aria-label': `${text} ${title}`, onclick: act }, text);
    this.#take = button('take', 'Take', () => this.#send({ kind: 'cut' }, 'Taking', this.#take));
    this.#dissolve = button('dissolve', 'Dissolve', () => {
      const transition = { kind: 'dissolve', duration_ms: Number(this.#length.value) };
      this.#send(transition, 'Dissolving', this.#dissolve);
    });
    this.node = el(
      'div',
      { class: 'desk', role: 'group', 'aria-label': `Desk of ${title}` },
      this.#picture.node,
      el(
        'div',
        { class: 'keys' },
        this.#bus,
        this.#next,
        el('div', { class: 'transition' }, this.#take, this.#dissolve, this.#length),
        this.#coming,
      ),
    );
  }

  /** By the newest document. */
  update(channel) {
    this.#channel = channel;
    const report = channel.report;
    show(this.node, report != null);
    if (!report) return;
    const { program, sources } = report;
    const places = bus.places(program, sources);
    this.#fit(places);
    for (const place of places) this.#mark(place);
    put(this.#next, program.preview ? `next: ${words.programOrder(program.preview)}` : 'nothing is next');
    const coming = (program.scheduled ?? []).map((take) => `${words.clock(take.at)} ${words.programOrder(take.order)}`);
    put(this.#coming, coming.length ? `to come (UTC): ${coming.join(', ')}` : '');
  }

  tick() {
    const on = this.#channel?.order === 'on_air' && this.#channel.state !== 'failed';
    const next = this.#channel?.report?.program.preview != null;
    for (const { button } of this.#places.values()) this.#dispatch.rule(button, on);
    this.#dispatch.rule(this.#take, on && next);
    this.#dispatch.rule(this.#dissolve, on && next);
    this.#picture.tick(next);
  }

  /** One key per place, in their order; keys that stay keep their focus. */
  #fit(places) {
    const keys = places.map((place) => place.key);
    for (const [key, { button }] of this.#places) {
      if (keys.includes(key)) continue;
      button.remove();
      this.#places.delete(key);
    }
    places.forEach((place, index) => {
      if (!this.#places.has(place.key)) this.#places.set(place.key, this.#key(place));
      const { button } = this.#places.get(place.key);
      if (this.#bus.children[index] !== button) this.#bus.insertBefore(button, this.#bus.children[index] ?? null);
    });
  }

  #key(place) {
    const state = el('span', { class: 'state' });
    const button = el('button', { type: 'button', 'data-place': place.key }, el('span', {}, place.name), state);
    const doing = `Putting ${place.name} next`;
    button.addEventListener('click', () =>
      this.#dispatch.send('preview', bus.body(place.order), doing, button, this.node),
    );
    return { button, state };
  }

  #mark(place) {
    const { button, state } = this.#places.get(place.key);
    const marks = bus.marks(place);
    put(state, marks);
    button.classList.toggle('air', place.air);
    button.classList.toggle('next', place.next);
    kind(button, 'fault', place.fault ? 'some' : 'none');
    const label = `Put ${place.name} next on ${this.#title}${marks ? ` (${marks})` : ''}`;
    if (button.getAttribute('aria-label') !== label) button.setAttribute('aria-label', label);
  }

  /** Takes what is next. What was on air is next then, as on every desk. */
  #send(transition, doing, button) {
    this.#dispatch.send('take', { transition }, doing, button, this.node);
  }
}
