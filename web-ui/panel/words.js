// Words for what the API says. Pure: no document, no clock.

const HEALTH = {
  inactive: ['○', 'Inactive'],
  healthy: ['✓', 'Healthy'],
  partially_healthy: ['▲', 'Degraded'],
  unhealthy: ['⬣', 'FAILED'],
};

const SEVERITY = { info: ['○', 'Info'], warning: ['▲', 'Warning'], error: ['⬣', 'ERROR'] };

/** Shape and word; an unknown word is shown as it is, never as good. */
export function health(word) {
  const [shape, text] = HEALTH[word] ?? ['?', word];
  return `${shape} ${text}`;
}

export function severity(word) {
  const [shape, text] = SEVERITY[word] ?? ['?', word];
  return `${shape} ${text}`;
}

/** What a viewer gets: the only thing that may be red. */
export function tally(channel) {
  if (!channel.on_air) {
    const missing = channel.order === 'on_air' && channel.health?.health === 'unhealthy';
    return { kind: missing ? 'missing' : 'off', text: 'OFF AIR' };
  }
  const slate = channel.state === 'slate' || channel.report?.program.showing.showing === 'slate';
  return slate ? { kind: 'slate', text: 'SLATE' } : { kind: 'on', text: 'ON AIR' };
}

export function order(word) {
  return { on_air: 'on air', off_air: 'off air' }[word] ?? word;
}

export function programOrder(program) {
  if (program.show === 'scene') return scene(program.scene);
  return { auto: 'best source', slate: 'slate', source: `source ${program.source}` }[program.show] ?? program.show;
}

function scene(two) {
  const how = { pip: 'picture in picture', side_by_side: 'side by side' }[two.layout] ?? two.layout;
  return `${two.sources.join(' + ')} (${how})`;
}

export function showing(program) {
  if (program.showing === 'scene') return scene(program.scene);
  return program.showing === 'source' ? program.source : program.showing;
}

/** Seconds for people: 0.4 s, 42 s, 7 min 05 s, 3 h 12 min, 2 d 4 h. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return '?';
  const s = Math.max(0, seconds);
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  const two = (n) => String(Math.floor(n)).padStart(2, '0');
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${two((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/** Program time that waits at a destination, and until when. */
export function waiting(destination) {
  const until = destination.line?.catch_up;
  const text = duration(destination.queue_seconds);
  if (until?.is === 'takes') return `${text}, even in ${duration(until.seconds)}`;
  return until?.is === 'never' ? `${text}, never even at this rate` : text;
}

/** Renditions that a destination does not get, because its line is too slow. */
export function leftOut(destination) {
  const dropped = (destination.line?.renditions ?? []).filter((one) => one.carried === 'dropped');
  return dropped.map((one) => one.id).join(', ');
}

export function bits(perSecond) {
  const [value, unit] = perSecond >= 1e6 ? [perSecond / 1e6, 'Mbit/s'] : [perSecond / 1e3, 'kbit/s'];
  return `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`;
}

export function bytes(count) {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} GB`;
  return count >= 1e6 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e3).toFixed(0)} kB`;
}

const HOLD = { stopped: 'STOPPED', lowest: 'LOWEST RENDITION ONLY', lifted: 'lifted by an operator' };

/** What a destination has cost: `41.20 GB this month, 3.30 EUR, 82 % of the budget`. Nothing before that is known. */
export function cost(one) {
  if (!one) return '';
  const parts = [`${bytes(one.month.bytes_acknowledged)} this month`];
  if (one.month.cost != null) parts.push(`${one.month.cost.toFixed(2)} ${one.price?.currency ?? ''}`.trim());
  if (one.budget) parts.push(`${Math.floor(one.budget.used * 100)} % of the budget`);
  if (one.budget?.hold) parts.push(HOLD[one.budget.hold] ?? one.budget.hold);
  return parts.join(', ');
}

export function count(number) {
  return number.toLocaleString('en-GB');
}

/** 21:04:07 of an RFC 3339 time, UTC. */
export function clock(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString().slice(11, 19);
}
