// One channel: what a viewer gets, the three facts, the picture, the parts.

import { Commands } from './commands.js';
import { Desk } from './desk.js';
import { Dispatch } from './dispatch.js';
import { el, kind, put, rows, show } from './dom.js';
import { Picture } from './picture.js';
import * as sound from './sound.js';
import * as words from './words.js';

function table(title, ...heads) {
  const body = el('tbody');
  const caption = el('caption', {}, title);
  const head = el('tr', {}, ...heads.map((text) => el('th', { scope: 'col' }, text)));
  const node = el(
    'div',
    { class: 'wide', tabindex: '0', role: 'region', 'aria-label': title },
    el('table', {}, caption, el('thead', {}, head), body),
  );
  return { node, body, caption };
}

function fact(name) {
  const value = el('dd');
  return { node: el('div', { class: 'fact' }, el('dt', {}, name), value), value };
}

/** Health of a part in a cell: nothing to say when it is well. */
function why(report) {
  return report.health === 'healthy' ? words.health('healthy') : `${words.health(report.health)}: ${report.reason}`;
}

/** The last error says more than the reason only if it says something else. */
function fault(destination) {
  const text = why(destination.health);
  const error = destination.health.health === 'healthy' ? null : destination.last_error;
  return error && !text.includes(error) ? `${text} (${error})` : text;
}

const tint = (report) => `health health-${report.health}`;

export class Card {
  #link;
  #channel;
  #tally = el('p', { class: 'tally' });
  #elapsed = el('p', { class: 'elapsed' });
  #facts = { order: fact('Order'), state: fact('State'), health: fact('Health') };
  #reason = el('p', { class: 'reason' });
  #program = el('p', { class: 'program' });
  #worker = el('p', { class: 'quiet' });
  #class = el('p', { class: 'quiet' });
  #sources = table('Sources', 'Source', 'Health', 'State', 'Arriving', 'Frames');
  #destinations = table('Destinations', 'Destination', 'Health', 'State', 'Waiting', 'Acknowledged');
  #sound = table('Sound', 'Channels', 'M', 'S', 'I (LUFS)', 'LRA (LU)', 'Peak (dBTP)', 'Correction', 'State');
  #renditions = table('Renditions', 'Rendition', 'Encoder', 'Target', 'Measured', 'Segments');
  #parts = el('div', { class: 'parts' });
  #costs = new Map();
  #picture;
  #dispatch;
  #commands;
  #desk;
  node;

  constructor(channel, link) {
    this.#link = link;
    const picture = `/api/v1/channels/${channel.id}/confidence.jpg`;
    this.#picture = new Picture(picture, `What ${channel.title} sends`, 'No picture: no worker');
    this.#dispatch = new Dispatch(channel.id, link, () => this.#rule());
    this.#commands = new Commands(channel.title, link, this.#dispatch);
    this.#desk = new Desk(channel.id, channel.title, this.#dispatch);
    const title = `title-${channel.id}`;
    this.#parts.append(this.#destinations.node, this.#sources.node, this.#sound.node, this.#renditions.node);
    this.node = el(
      'section',
      { class: 'card', 'aria-labelledby': title, 'data-channel': channel.id },
      el('div', { class: 'top' }, el('h2', { id: title }, channel.title), this.#tally),
      el(
        'div',
        { class: 'upper' },
        el('div', { class: 'stage' }, this.#picture.node, this.#commands.strip),
        el(
          'div',
          { class: 'side' },
          el('dl', { class: 'facts' }, ...Object.values(this.#facts).map((one) => one.node)),
          this.#reason,
          this.#program,
          this.#elapsed,
          this.#worker,
          this.#class,
        ),
      ),
      this.#desk.node,
      this.#commands.bar,
      this.#parts,
    );
    this.update(channel);
  }

  update(channel) {
    this.#channel = channel;
    const tally = words.tally(channel);
    put(this.#tally, tally.text);
    kind(this.node, 'tally', tally.kind);
    kind(this.node, 'is', channel.health.health);
    put(this.#facts.order.value, words.order(channel.order));
    put(this.#facts.state.value, channel.state);
    put(this.#facts.health.value, words.health(channel.health.health));
    this.#facts.health.value.className = tint(channel.health);
    put(this.#class, `${channel.id} · ${channel.stream_class}`);
    this.#updateParts(channel.report);
    this.#commands.update(channel);
    this.#desk.update(channel);
    this.tick();
  }

  /** What its destinations have cost this month; shown with the next status. */
  costs(destinations) {
    this.#costs = new Map(destinations.map((one) => [one.destination, words.cost(one)]));
  }

  /** What moves by the clock alone. */
  tick() {
    const channel = this.#channel;
    const ago = (time) => words.duration((this.#link.known - Date.parse(time)) / 1000);
    put(this.#reason, `${channel.health.reason} (${channel.health.code}, for ${ago(channel.health.since)})`);
    put(this.#elapsed, channel.on_air_since && channel.on_air ? `on air for ${ago(channel.on_air_since)}` : '');
    const worker = channel.worker;
    const beat = worker && `heartbeat ${words.duration(worker.heartbeat_age_seconds)} old`;
    const taken = worker?.adopted ? ', adopted' : '';
    put(
      this.#worker,
      worker
        ? `worker ${worker.pid}${taken}, up ${ago(worker.since)}, ${beat}, ${channel.restarts} restart(s)`
        : `no worker, ${channel.restarts} restart(s)`,
    );
    this.#rule();
    this.#picture.tick(worker != null);
  }

  /** What may be pressed now, and what is under way. */
  #rule() {
    this.#commands.tick();
    this.#desk.tick();
    this.#dispatch.tick();
  }

  #updateParts(report) {
    show(this.#parts, report != null);
    show(this.#program, report != null);
    if (!report) return;
    const { program, sources, destinations, renditions, spool } = report;
    const peaks = program.peak_dbfs.map((peak) => `${peak.toFixed(0)}`).join(' / ');
    put(
      this.#program,
      `shows ${words.showing(program.showing)} (asked: ${words.programOrder(program.order)}) · ` +
        `${words.count(program.frames)} frames, ${words.count(program.repeated)} repeated, ` +
        `${words.count(program.missed)} missed · peak ${peaks || 'none'} dBFS`,
    );
    rows(
      this.#sources.body,
      sources.map((one) => [
        `${one.id} (${one.kind})`,
        [why(one.health), tint(one.health)],
        one.state,
        [one.picture && `${one.picture} @ ${one.frame_rate ?? '?'}`, one.sound].filter(Boolean).join(', ') || 'nothing',
        `${words.count(one.frames)}${one.late ? `, ${words.count(one.late)} late` : ''}`,
      ]),
    );
    const states = program.sound_states ?? [];
    rows(
      this.#sound.body,
      (program.loudness ?? []).map((mix) => sound.row(mix, states)),
    );
    const good = destinations.filter((one) => one.health.health === 'healthy').length;
    put(this.#destinations.caption, `Destinations: ${good} of ${destinations.length} healthy`);
    rows(
      this.#destinations.body,
      destinations.map((one) => [
        one.id,
        [fault(one), tint(one.health)],
        one.state,
        words.waiting(one),
        [
          `${words.bytes(one.bytes_acknowledged)}${one.reconnects ? `, ${one.reconnects} reconnect(s)` : ''}${words.leftOut(one) && `, without ${words.leftOut(one)}`}`,
          this.#costs.get(one.id),
        ]
          .filter(Boolean)
          .join(' · '),
      ]),
    );
    rows(
      this.#renditions.body,
      renditions.map((one) => [
        one.id,
        one.encoder,
        words.bits(one.target),
        words.bits(one.measured),
        words.count(one.segments),
      ]),
    );
    const lost = spool.lost_segments ? `, ${words.count(spool.lost_segments)} segments LOST` : '';
    put(
      this.#renditions.caption,
      `Renditions · spool ${words.bytes(spool.bytes)} of ${words.bytes(spool.quota_bytes)}` +
        `${lost}${spool.health.health === 'healthy' ? '' : ` · ${why(spool.health)}`}`,
    );
  }
}
