// The player page: attaches hls.js to the channel in the address, shows how it goes, and recovers by itself.
// @ts-check
import { cap, decide, edgeStands, MESSAGES, pollDelay, remedy, secondsText, WORDS } from './state.js';

const Hls = /** @type {any} */ (globalThis).Hls;
const channel = decodeURIComponent(location.pathname.split('/').filter(Boolean).pop() ?? '');
// Where playback is signed, the ticket stands in the path, so that all that the playlist names carries it along.
const ticket = new URLSearchParams(location.search).get('ticket');
const playlist = `/live/${ticket ? `${ticket}/` : ''}${channel}/multivariant.m3u8`;

/** @template {HTMLElement} T @param {string} id @returns {T} */
const element = (id) => /** @type {T} */ (document.getElementById(id));
const video = /** @type {HTMLVideoElement} */ (element('video'));

const seconds = () => performance.now() / 1000;

const seen = {
  reachable: true,
  listed: true,
  started: false,
  ended: false,
  now: seconds(),
  progressAt: -Infinity,
  edgeAt: seconds(),
  target: 2,
};
/** @type {any} */
let hls = null;
let edge = -1;
let edgeNumber = -1;
let position = -1;
/** How far playback has come. */
let furthest = -Infinity;
let jumped = false;
let tries = 0;
/** The browser counts anew with each attachment; these sums do not. */
const frames = { before: 0, last: 0, droppedBefore: 0, droppedLast: 0 };
/** @type {number | undefined} */
let poll;
/** Origin's clock minus this machine's, in milliseconds: a viewer's clock is often wrong. */
let clockOffset = 0;
let mediaErrors = /** @type {number[]} */ ([]);
/** When the multivariant playlist was last looked at. */
let lookedAt = -Infinity;

/** What tests and technicians read. */
const face = {
  channel,
  /** @type {import('./state.js').State} */
  state: 'loading',
  latencySeconds: /** @type {number | null} */ (null),
  behindEdgeSeconds: /** @type {number | null} */ (null),
  currentTime: 0,
  bufferSeconds: 0,
  frames: 0,
  droppedFrames: 0,
  rebuffers: 0,
  recoveries: 0,
  rendition: '',
  playingDate: /** @type {string | null} */ (null),
  /** The last errors of hls.js, fatal or not. */
  errors: /** @type {{ type: string, details: string, fatal: boolean, at: string }[]} */ ([]),
};
/** @type {any} */ (globalThis).uplinkPlayer = face;

/** Retries of one request; what outlasts them is handled by a rebuild. @param {number} timeout */
const patience = (timeout) => ({
  default: {
    maxTimeToFirstByteMs: timeout,
    maxLoadTimeMs: timeout * 2,
    timeoutRetry: { maxNumRetry: 4, retryDelayMs: 0, maxRetryDelayMs: 0 },
    errorRetry: { maxNumRetry: 6, retryDelayMs: 500, maxRetryDelayMs: 2000 },
  },
});

const settings = {
  maxLiveSyncPlaybackRate: 1.05,
  maxBufferHole: 0.6,
  backBufferLength: 30,
  // Breaks and timed metadata are not this page's business.
  enableDateRangeMetadataCues: false,
  enableEmsgMetadataCues: false,
  enableID3MetadataCues: false,
  manifestLoadPolicy: patience(5000),
  playlistLoadPolicy: patience(5000),
  fragLoadPolicy: patience(10000),
};

/** Asks for the playlist until it is there, then attaches. */
async function attach() {
  clearTimeout(poll);
  detach();
  try {
    const answer = await fetch(playlist, { cache: 'no-store', signal: AbortSignal.timeout(5000) });
    // 502 to 504 are a proxy's words for an origin that is not there.
    seen.reachable = answer.status < 502;
    seen.listed = answer.ok;
    const date = Date.parse(answer.headers.get('date') ?? '');
    // `Date` is cut to the second: on average half a second is missing.
    clockOffset = Number.isFinite(date) && Math.abs(date + 500 - Date.now()) > 2000 ? date + 500 - Date.now() : 0;
  } catch {
    seen.reachable = false;
  }
  if (!seen.reachable || !seen.listed) {
    poll = setTimeout(attach, pollDelay(tries++) * 1000);
    return;
  }
  tries = 0;
  build();
}

function detach() {
  if (!hls) return;
  hls.destroy();
  hls = null;
}

function build() {
  Object.assign(seen, { started: false, ended: false, progressAt: -Infinity, edgeAt: seconds() });
  position = -1;
  furthest = -Infinity;
  edge = -1;
  edgeNumber = -1;
  jumped = false;
  standingSince = seconds();
  hls = new Hls(settings);
  // Set here, since a setting of its own would overrule the distance that a playlist with parts asks for (PART-HOLD-BACK).
  hls.config.liveMaxLatencyDurationCount = 8;
  hls.on(Hls.Events.LEVEL_UPDATED, (/** @type {any} */ _, /** @type {any} */ data) => {
    seen.reachable = true;
    seen.listed = true;
    seen.target = data.details.targetduration || seen.target;
    seen.ended = !data.details.live;
    edge = data.details.edge;
    // By number, not by time: where a playlist has nothing in common with the one before, hls.js begins its time anew.
    if (data.details.endSN !== edgeNumber) {
      // There its time may be less than it was.
      if (data.details.startSN > edgeNumber || data.details.endSN < edgeNumber) furthest = -Infinity;
      edgeNumber = data.details.endSN;
      seen.edgeAt = seconds();
    }
  });
  hls.on(Hls.Events.FRAG_LOADED, () => Object.assign(seen, { reachable: true }));
  hls.on(Hls.Events.ERROR, (/** @type {any} */ _, /** @type {any} */ data) => failed(data));
  hls.loadSource(playlist);
  hls.attachMedia(video);
  play();
}

/** Starts playback; a browser that allows none without a touch is told by the first touch. */
function play() {
  video.play().catch(() => {});
}

/** @param {any} data */
function failed(data) {
  face.errors = [
    ...face.errors.slice(-49),
    { type: data.type, details: data.details, fatal: data.fatal, at: new Date().toISOString() },
  ];
  if (data.type === Hls.ErrorTypes.NETWORK_ERROR) {
    const status = data.response?.code ?? 0;
    // hls.js reports 0 where no answer came; a timeout may be either side's.
    if (status === 0 || status >= 502) seen.reachable = false;
  }
  if (data.details === Hls.ErrorDetails.FRAG_GAP) look(1);
  if (!data.fatal) return;
  face.recoveries += 1;
  const now = seconds();
  mediaErrors = mediaErrors.filter((at) => now - at < 10);
  if (data.type === Hls.ErrorTypes.MEDIA_ERROR && mediaErrors.length < 2) {
    mediaErrors.push(now);
    hls.recoverMediaError();
    play();
    return;
  }
  rebuild();
}

/**
 * Where the line to the origin does not carry the best renditions, their playlists are gaps, and the multivariant playlist
 * does without them. hls.js never reads that again, and would try the best one again and again.
 * @param {number} every seconds at least since the last time
 */
async function look(every) {
  if (seconds() - lookedAt < every) return;
  lookedAt = seconds();
  const asking = hls;
  try {
    const answer = await fetch(playlist, { cache: 'no-store', signal: AbortSignal.timeout(5000) });
    const text = await answer.text();
    if (!answer.ok || hls !== asking) return;
    const levels = hls.levels.map((/** @type {any} */ level) => level.uri ?? level.url?.[0] ?? '');
    hls.autoLevelCapping = cap(levels, text, answer.url);
  } catch {
    // It is asked again with the next gap.
  }
}

function rebuild() {
  detach();
  clearTimeout(poll);
  poll = setTimeout(attach, pollDelay(tries++) * 1000);
}

let standingSince = seconds();

/** Watches playback itself: events say what hls.js believes, the playhead says what a viewer sees. */
function watch() {
  seen.now = seconds();
  if (hls && video.currentTime !== position && video.readyState >= 2 && !video.seeking) {
    // A playhead behind a live edge that stands is set back by hls.js again and again: what is seen twice is no progress.
    if (position >= 0 && video.currentTime > furthest) {
      seen.started = true;
      seen.progressAt = seen.now;
      standingSince = seen.now;
      jumped = false;
      furthest = video.currentTime;
    }
    position = video.currentTime;
  }
  const before = face.state;
  face.state = decide(seen);
  if (face.state === 'stalled' && before === 'playing') face.rebuffers += 1;
  // Where the live edge stands there is nothing to jump to: hls.js goes on when it moves, and gets its time from then.
  const waits = edgeStands(seen) && seen.reachable && !seen.ended;
  if (!hls || video.paused || waits) standingSince = seen.now;
  else act(remedy(seen.now - standingSince, jumped));
  if (face.state === 'off-air') video.pause();
  else if (hls && video.paused && !document.hidden) play();
  if (hls?.autoLevelCapping >= 0) look(10);
  measure();
  show();
}

/** @param {'none' | 'jump' | 'rebuild'} what */
function act(what) {
  if (what === 'none') return;
  if (what === 'jump') {
    jumped = true;
    if (hls.liveSyncPosition != null) video.currentTime = hls.liveSyncPosition;
    hls.startLoad(-1);
    play();
    return;
  }
  face.recoveries += 1;
  rebuild();
}

function measure() {
  const quality = video.getVideoPlaybackQuality();
  if (quality.totalVideoFrames < frames.last) {
    frames.before += frames.last;
    frames.droppedBefore += frames.droppedLast;
  }
  frames.last = quality.totalVideoFrames;
  frames.droppedLast = quality.droppedVideoFrames;
  face.frames = frames.before + frames.last;
  face.droppedFrames = frames.droppedBefore + frames.droppedLast;
  face.currentTime = video.currentTime;
  face.bufferSeconds = bufferAhead();
  const date = hls?.playingDate ?? null;
  face.playingDate = date ? date.toISOString() : null;
  face.latencySeconds = date ? (Date.now() + clockOffset - date.getTime()) / 1000 : null;
  face.behindEdgeSeconds = hls && edge >= 0 && seen.started ? Math.max(edge - video.currentTime, 0) : null;
  const level = hls?.levels?.[hls.currentLevel];
  const name = level ? (level.uri ?? level.url?.[0] ?? '').split('/').slice(-2)[0] : '';
  face.rendition = level
    ? `${name}, ${video.videoWidth}×${video.videoHeight}, ${(level.bitrate / 1e6).toFixed(1)} Mbit/s`
    : '';
}

function bufferAhead() {
  const { buffered, currentTime } = video;
  for (let index = 0; index < buffered.length; index += 1) {
    if (buffered.start(index) <= currentTime + 0.6 && currentTime < buffered.end(index)) {
      return buffered.end(index) - currentTime;
    }
  }
  return 0;
}

/** @param {string} id @param {string} text */
function write(id, text) {
  const target = element(id);
  if (target.textContent !== text) target.textContent = text;
}

function show() {
  const state = element('state');
  state.dataset.state = face.state;
  write('state', WORDS[face.state]);
  const message = MESSAGES[face.state] ?? '';
  element('message').hidden = message === '';
  write('message', message);
  write('latency', secondsText(face.latencySeconds));
  write('behind', secondsText(face.behindEdgeSeconds));
  write('rendition', face.rendition || '–');
  write('buffer', secondsText(face.bufferSeconds));
  write('frames', String(face.frames));
  write('dropped', String(face.droppedFrames));
  write('rebuffers', String(face.rebuffers));
  write('recoveries', String(face.recoveries));
  write('sound', video.muted ? 'Unmute' : 'Mute');
  element('sound').setAttribute('aria-pressed', String(!video.muted));
}

element('sound').addEventListener('click', () => {
  video.muted = !video.muted;
  play();
  show();
});
element('edge').addEventListener('click', () => {
  if (hls?.liveSyncPosition != null) video.currentTime = hls.liveSyncPosition;
  play();
});
element('full').addEventListener('click', () => {
  video.requestFullscreen().catch(() => {});
});
addEventListener('online', () => {
  if (!hls) attach();
});

document.title = `${channel} – Uplink player`;
write('channel', channel);
setInterval(watch, 250);
if (Hls?.isSupported()) {
  attach();
} else {
  element('message').hidden = false;
  write('message', 'This browser has no Media Source Extensions: it cannot play the channel here.');
}
