// Whether a live picture is one: by pictures that are decoded. A connection that says that it is there proves nothing. Pure.

/** Longest time without a new picture. */
export const STALLS_MS = 2000;
/** From the press to the first picture: pictures begin with a segment of the channel. */
export const OPENS_MS = 15_000;
/** Between two attempts, at first and at most. */
const AGAIN_MS = [2000, 30_000] as const;
/** From 1900, which browsers count from here (NTP), to 1970. */
const NTP_MS = 2_208_988_800_000;

/** Pictures that were decoded so far, and when the last one came. */
export interface Seen {
  frames: number;
  at: number;
}

/** One more look. */
export function saw(before: Seen, frames: number, now: number): Seen {
  return frames > before.frames ? { frames, at: now } : before;
}

export function judge(begun: number, seen: Seen, now: number): 'connecting' | 'live' | 'lost' {
  if (seen.frames === 0) return now - begun > OPENS_MS ? 'lost' : 'connecting';
  return now - seen.at > STALLS_MS ? 'lost' : 'live';
}

/** Milliseconds from the program to what is shown, if the browser can tell; both times are the box's. */
export function behind(shown: number | undefined, now: number): number | null {
  const delay = shown === undefined ? Number.NaN : now - (shown - NTP_MS);
  // By clocks that disagree it cannot be told.
  return delay > 0 && delay < 60_000 ? delay : null;
}

/** When it is tried again after so many failures in a row. */
export function pause(failures: number): number {
  return Math.min(AGAIN_MS[1], AGAIN_MS[0] * 2 ** Math.max(0, failures - 1));
}
