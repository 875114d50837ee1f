// What the player says about itself: pure decisions from observations, so that they can be tested without a browser.
// @ts-check

/**
 * @typedef {'waiting' | 'loading' | 'playing' | 'stalled' | 'off-air' | 'offline'} State
 * @typedef {object} Observation
 * @property {boolean} reachable   the origin answered the last request
 * @property {boolean} listed      the channel's playlist is there
 * @property {boolean} started     a frame was shown since the channel was attached
 * @property {boolean} ended       the playlist says that the channel has ended
 * @property {number} now          seconds, any monotonic clock
 * @property {number} progressAt   when playback last advanced
 * @property {number} edgeAt       when the live edge last advanced
 * @property {number} target       the playlist's target duration in seconds
 */

/** Shown beside the state's shape. @type {Record<State, string>} */
export const WORDS = {
  waiting: 'waiting for the channel',
  loading: 'loading',
  playing: 'playing',
  stalled: 'stalled',
  'off-air': 'channel off air',
  offline: 'origin not reachable',
};

/** Shown over the picture while there is none to trust. @type {Partial<Record<State, string>>} */
export const MESSAGES = {
  waiting: 'Nothing was pushed for this channel yet. It starts by itself.',
  stalled: 'The picture has stopped. Trying to get it back.',
  'off-air': 'No new pictures arrive at the origin. It goes on by itself.',
  offline: 'The origin does not answer. It goes on by itself.',
};

/** Playback that has not advanced for this long has stalled. */
export const STALL_SECONDS = 1.5;
/** A live edge that stands still for this many target durations is off air (rfc8216bis 6.3.4 has 1.5 as suspicious). */
const EDGE_TARGETS = 3;

/** @param {Observation} seen @returns {State} */
export function decide(seen) {
  const moving = seen.now - seen.progressAt < STALL_SECONDS;
  // The buffer may outlast the origin: what is on the screen is what counts.
  if (seen.started && moving) return 'playing';
  if (!seen.reachable) return 'offline';
  if (!seen.listed) return 'waiting';
  if (seen.ended || edgeStands(seen)) return 'off-air';
  return seen.started ? 'stalled' : 'loading';
}

/** @param {Observation} seen */
export function edgeStands(seen) {
  return seen.now - seen.edgeAt > Math.max(EDGE_TARGETS * seen.target, 4);
}

/** How long playback may stand before the player acts: first a jump to the live edge, then everything anew. */
export const JUMP_SECONDS = 4;
export const REBUILD_SECONDS = 10;

/**
 * @param {number} standing seconds without progress
 * @param {boolean} jumped  whether a jump was tried since playback last advanced
 * @returns {'none' | 'jump' | 'rebuild'}
 */
export function remedy(standing, jumped) {
  if (standing >= REBUILD_SECONDS) return 'rebuild';
  return standing >= JUMP_SECONDS && !jumped ? 'jump' : 'none';
}

/** Wait before try number `tries` (from 0), in seconds: a waiting page notices soon, an abandoned one is no load.
 * @param {number} tries */
export function pollDelay(tries) {
  return Math.min(1 + tries * 0.25, 5);
}

/** @param {number | null | undefined} seconds */
export function secondsText(seconds) {
  return seconds == null || !Number.isFinite(seconds) ? '–' : `${seconds.toFixed(1)} s`;
}

/**
 * The highest of the `levels` (addresses, ascending) that the multivariant playlist `text` at `base` lists; -1 if that is
 * the last of them, or none: then there is no cap.
 * @param {string[]} levels @param {string} text @param {string} base
 */
export function cap(levels, text, base) {
  const path = (/** @type {string} */ uri) => new URL(uri, base).pathname;
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const listed = new Set(lines.map(path));
  const highest = levels.map((uri) => listed.has(path(uri))).lastIndexOf(true);
  return highest === levels.length - 1 ? -1 : highest;
}
