// The link to the daemon: the event stream and a watchdog. An open socket proves nothing: a daemon that is frozen raises
// no error in EventSource, only its heartbeats stay away.

const WATCHDOG_MS = 5000;
const CHECK_MS = 250;

export class Link {
  #source = null;
  #heard = 0;
  #tried = 0;
  #fresh = false;
  #offset = 0;
  #handlers;

  /** Handlers: status(document), event(event), history(), fresh(boolean), tick(). */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  start() {
    this.#open();
    setInterval(() => this.#check(), CHECK_MS);
    // Timers of a page in the background are throttled: look again as soon as it is seen.
    document.addEventListener('visibilitychange', () => this.#check());
  }

  /** Whether what is shown is what is. */
  get fresh() {
    return this.#fresh;
  }

  /** The daemon's clock now, milliseconds. */
  get now() {
    return Date.now() + this.#offset;
  }

  /** The daemon's time of what is shown: it stands still when nothing is heard. */
  get known() {
    return this.#fresh ? this.now : this.now - (this.silence ?? 0);
  }

  /** Milliseconds since anything was heard; none before the first word. */
  get silence() {
    return this.#heard ? performance.now() - this.#heard : null;
  }

  #open() {
    this.#source?.close();
    this.#tried = performance.now();
    const source = new EventSource('/api/v1/events');
    this.#source = source;
    const on = (kind, act) =>
      source.addEventListener(kind, (message) => {
        if (source !== this.#source) return;
        this.#heard = performance.now();
        act(JSON.parse(message.data));
      });
    on('snapshot', (document) => {
      this.#document(document);
      this.#handlers.history();
    });
    on('status', (document) => this.#document(document));
    on('event', (event) => this.#handlers.event(event));
    on('heartbeat', (beat) => {
      this.#offset = Date.parse(beat.server_time) - Date.now();
    });
    on('reset', () => {});
    on('gap', () => {});
  }

  /** Controls come back only with a whole document: what was known before the silence is no ground to act on. */
  #document(document) {
    this.#offset = this.#offset || Date.parse(document.now) - Date.now();
    this.#handlers.status(document);
    this.#set(true);
  }

  #set(fresh) {
    if (fresh === this.#fresh) return;
    this.#fresh = fresh;
    this.#handlers.fresh(fresh);
  }

  #check() {
    const now = performance.now();
    if (now - Math.max(this.#heard, this.#tried) > WATCHDOG_MS || this.#source.readyState === EventSource.CLOSED) {
      if (now - this.#tried > WATCHDOG_MS) this.#open();
    }
    if (this.#heard && now - this.#heard > WATCHDOG_MS) this.#set(false);
    this.#handlers.tick();
  }
}
