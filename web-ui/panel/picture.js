// The confidence picture with its age: a picture without its age looks like a picture of now.

import { el, put, show } from './dom.js';
import { duration } from './words.js';

const EVERY_MS = 1000;
const GIVE_UP_MS = 4000;
const STALE_S = 5;

export class Picture {
  #path;
  #idle;
  #image = el('img', { alt: '', hidden: true });
  #none = el('p', { class: 'none' });
  #age = el('p', { class: 'age' });
  #taken = null;
  #asked = -Infinity;
  #busy = false;
  node;

  /** `alt` says what it shows, `idle` why there is none while none is wanted. */
  constructor(path, alt, idle) {
    this.#path = path;
    this.#idle = idle;
    this.#image.alt = alt;
    put(this.#none, idle);
    this.node = el('figure', { class: 'picture' }, this.#image, this.#none, this.#age);
  }

  /** Called often: asks for a new picture once a second and keeps the age moving. */
  tick(wanted) {
    if (!wanted && !this.#busy) this.#forget(this.#idle);
    if (wanted && !document.hidden && performance.now() - this.#asked >= EVERY_MS) this.#fetch();
    if (this.#taken === null) return;
    const age = (performance.now() - this.#taken) / 1000;
    const stale = age > STALE_S;
    this.node.classList.toggle('stale', stale);
    put(this.#age, stale ? `▨ STALE: picture is ${duration(age)} old` : `picture ${duration(age)} old`);
  }

  async #fetch() {
    if (this.#busy) return;
    this.#busy = true;
    this.#asked = performance.now();
    try {
      const answer = await fetch(this.#path, { cache: 'no-store', signal: AbortSignal.timeout(GIVE_UP_MS) });
      if (answer.ok) await this.#show(answer);
      else if (answer.status === 404) this.#forget('No picture yet');
    } catch {
      // The age goes on and says it.
    } finally {
      this.#busy = false;
    }
  }

  async #show(answer) {
    const age = Number.parseFloat(answer.headers.get('x-frame-age'));
    const address = URL.createObjectURL(await answer.blob());
    const old = this.#image.src;
    this.#image.src = address;
    try {
      await this.#image.decode();
      this.#taken = performance.now() - (Number.isFinite(age) ? age * 1000 : Infinity);
      show(this.#image, true);
      show(this.#none, false);
    } catch {
      this.#forget('The picture cannot be read');
    }
    if (old) URL.revokeObjectURL(old);
  }

  #forget(why) {
    this.#taken = null;
    this.node.classList.remove('stale');
    show(this.#image, false);
    show(this.#none, true);
    put(this.#none, why);
    put(this.#age, '');
  }
}
