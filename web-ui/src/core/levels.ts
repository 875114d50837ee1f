// The newest level of each channel, outside the drawing of the page: instruments take it at their own rate.

export interface Level {
  /** Sample peak per channel, dBFS. */
  peaks: number[];
  /** When it came, by the steady clock. */
  at: number;
}

/** A level older than this is no level: the instrument says so instead of falling to silence. */
export const OLD_MS = 2000;

const levels = new Map<string, Level>();

let metered = Number.NEGATIVE_INFINITY;

/** From a frame of meters: peaks since the frame before. */
export function feed(channel: string, peaks: number[]): void {
  metered = performance.now();
  levels.set(channel, { peaks, at: metered });
}

/** From a document: the peak of a second, for daemons that send no meters. */
export function feedSlowly(channel: string, peaks: number[]): void {
  const now = performance.now();
  if (now - metered > OLD_MS) levels.set(channel, { peaks, at: now });
}

/** The level of a channel, if there is one of now. */
export function newest(channel: string): Level | null {
  const level = levels.get(channel);
  return level && performance.now() - level.at < OLD_MS ? level : null;
}

export function forget(): void {
  levels.clear();
}
