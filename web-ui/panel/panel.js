// The panel: every channel as the daemon reports it, and an honest page when it reports nothing.

import { Card } from './card.js';
import { el, put, rows, show } from './dom.js';
import * as gate from './gate.js';
import { Link } from './link.js';
import * as words from './words.js';

const EVENTS = 60;
const at = (id) => document.getElementById(id);
const cards = new Map();
const events = new Map();
let newest = null;

const link = new Link({
  status(status) {
    newest = status;
    gate.opened(status);
    appliance(status);
    channels(status.channels);
  },
  event(event) {
    remember([event]);
  },
  async history() {
    events.clear();
    costs();
    try {
      const answer = await fetch(`/api/v1/events/recent?limit=${EVENTS}`, { signal: AbortSignal.timeout(4000) });
      if (answer.ok) remember((await answer.json()).items);
    } catch {
      // The stream goes on; the next snapshot asks again.
    }
  },
  fresh(fresh) {
    document.body.classList.toggle('lost', !fresh);
    document.body.classList.remove('waiting');
    put(at('band-since'), `${words.clock(link.known)} UTC`);
    show(at('band'), !fresh);
    // A session that is over looks like a daemon that is silent.
    if (!fresh) gate.look();
    title();
  },
  tick() {
    const silence = link.silence;
    put(
      at('link'),
      link.fresh
        ? `● live, heard ${words.duration(Math.floor(silence / 1000))} ago`
        : silence === null
          ? 'connecting …'
          : `▨ no word for ${words.duration(silence / 1000)}`,
    );
    put(at('clock'), silence === null ? '' : `${words.clock(link.now)} UTC`);
    for (const card of cards.values()) card.tick();
  },
});

function appliance(status) {
  put(at('box'), status.name);
  put(at('box-version'), `Uplink ${status.version}`);
  put(at('box-health'), words.health(status.health.health));
  at('box-health').className = `health health-${status.health.health}`;
  const wanted = status.channels.filter((channel) => channel.order === 'on_air');
  const on = wanted.filter((channel) => channel.on_air).length;
  put(at('box-count'), `${on} of ${wanted.length} channels ordered on air are on air`);
  const faults = status.config.rejected;
  show(at('rejected'), faults.length > 0);
  put(at('rejected-head'), rejected(status.config.last_good));
  show(at('freeze'), status.freeze != null);
  put(at('freeze'), status.freeze ? frozen(status.freeze) : '');
  at('rejected-faults').replaceChildren(...faults.map((fault) => el('li', {}, fault)));
  title();
}

function rejected(lastGood) {
  if (!lastGood) return '▲ A newer configuration was rejected; the old one stays in force';
  return `▲ The configuration was faulty when the daemon came up; the last good one is in force, put in force ${lastGood.at}`;
}

function frozen({ channels, until, by, reason }) {
  const what = channels.length > 0 ? ` (${channels.join(', ')})` : '';
  const end = until ? `until ${until.slice(0, 16).replace('T', ' ')} UTC` : 'until somebody ends it';
  return `▣ FROZEN${what} ${end}${by ? ` by ${by}` : ''}: ${reason}. Takes and slate go on; stops and changes are refused.`;
}

function title() {
  const name = newest?.name ?? 'Uplink';
  document.title = link.fresh || !newest ? `${name} · Uplink` : `⚠ LAST KNOWN · ${name}`;
}

/** In the order of the configuration, always: the eye knows where each one is. */
function channels(list) {
  const ids = new Set(list.map((channel) => channel.id));
  for (const [id, card] of cards) {
    if (!ids.has(id)) {
      card.node.remove();
      cards.delete(id);
    }
  }
  list.forEach((channel, index) => {
    const known = cards.get(channel.id);
    if (known) known.update(channel);
    else cards.set(channel.id, new Card(channel, link));
    const { node } = cards.get(channel.id);
    const here = at('channels').children[index];
    if (here !== node) at('channels').insertBefore(node, here ?? null);
  });
  show(at('empty'), list.length === 0);
  put(at('empty'), 'No channel is configured.');
}

/** Money moves slowly: once a minute is enough, and nothing is lost if an answer does not come. */
async function costs() {
  try {
    const answer = await fetch('/api/v1/cost', { signal: AbortSignal.timeout(4000) });
    if (!answer.ok) return;
    for (const one of (await answer.json()).channels) cards.get(one.channel)?.costs(one.destinations);
  } catch {
    // The next minute asks again.
  }
}

function remember(list) {
  for (const event of list) events.set(event.seq, event);
  const order = [...events.keys()].sort((a, b) => b - a);
  for (const seq of order.splice(EVENTS)) events.delete(seq);
  rows(
    at('events'),
    order.map((seq) => {
      const event = events.get(seq);
      const about = [event.channel, event.subject].filter(Boolean).join(' / ') || 'appliance';
      const text = event.hint ? `${event.text}; ${event.hint}` : event.text;
      return [
        words.clock(event.at),
        [words.severity(event.severity), `severity severity-${event.severity}`],
        about,
        text,
      ];
    }),
  );
}

link.start();
gate.look();
setInterval(costs, 60_000);
