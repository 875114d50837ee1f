// The newest level of each channel, outside the drawing of the page: instruments take it at their own rate.

export interface Level {
  /** Sample peak per channel, dBFS. */
  peaks: number[];
  /** When it came, by the steady clock. */
  at: number;
}

/** What an instrument may have missed between two of its frames is kept so long. */
const KEPT_MS = 500;

/** A level older than this is no level: the instrument says so instead of falling to silence. */
export const OLD_MS = 2000;

/** Oldest first; never empty. */
const levels = new Map<string, Level[]>();

let metered = Number.NEGATIVE_INFINITY;

/** From a frame of meters: peaks since the frame before. */
export function feed(channel: string, peaks: number[]): void {
  metered = performance.now();
  const kept = (levels.get(channel) ?? []).filter((level) => metered - level.at < KEPT_MS);
  levels.set(channel, [...kept, { peaks, at: metered }]);
}

/** From a document: the peak of a second, for daemons that send no meters. */
export function feedSlowly(channel: string, peaks: number[]): void {
  const now = performance.now();
  if (now - metered > OLD_MS) levels.set(channel, [{ peaks, at: now }]);
}

/** The level of a channel, if there is one of now; with the peaks of all that came in the last `ms`. */
export function newest(channel: string, ms = 0): Level | null {
  const [kept, now] = [levels.get(channel), performance.now()];
  const last = kept?.at(-1);
  if (!kept || !last || now - last.at >= OLD_MS) return null;
  const missed = kept.filter((level) => now - level.at < ms);
  return {
    at: last.at,
    peaks: last.peaks.map((peak, index) => Math.max(peak, ...missed.map((one) => one.peaks[index] ?? peak))),
  };
}

export function forget(): void {
  levels.clear();
}
