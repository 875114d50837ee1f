// What can be put next and on air, and where each of it stands. Pure: no document, no clock.

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** A program order as the body of a take or a preview. */
export function body(order) {
  if (order.show === 'source') return { source: order.source };
  return order.show === 'scene' ? { scene: order.scene } : { show: order.show };
}

/** Whether `id` is part of what an order or the program shows. */
function has(order, id) {
  if (!order || id == null) return false;
  const scene = order.show === 'scene' || order.showing === 'scene';
  return scene ? order.scene.sources.includes(id) : order.source === id;
}

/** A source that is no good choice says so. */
function fault(source) {
  if (source.health.health === 'healthy') return null;
  return source.state === 'delivering' ? '▲ degraded' : `⬣ ${source.state}`;
}

/**
 * The places of the bus, in the order of the configuration: sources, then best source and slate. Each has its name, what
 * it orders, and where it stands by the worker's report: on air, next, ordered but not shown, at fault.
 */
export function places(program, sources) {
  const place = (key, name, order, air) => {
    const next = program.preview != null && (same(program.preview, order) || has(program.preview, order.source));
    const asked = !air && (same(program.order, order) || has(program.order, order.source));
    return { key, name, order, air, next, asked, fault: null };
  };
  const all = sources.map((source) => ({
    ...place(`source-${source.id}`, source.id, { show: 'source', source: source.id }, has(program.showing, source.id)),
    fault: fault(source),
  }));
  all.push(place('auto', 'Best source', { show: 'auto' }, false));
  all.push(place('slate', 'Slate', { show: 'slate' }, program.showing.showing === 'slate'));
  return all;
}

/** Where a place stands, in words. */
export function marks(place) {
  const words = [place.air && 'ON AIR', place.next && 'NEXT', place.asked && 'ASKED', place.fault];
  return words.filter(Boolean).join(' · ');
}
