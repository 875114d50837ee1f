// Whether what is shown is what is. An open socket proves nothing: a daemon that is frozen raises no error in EventSource,
// only its heartbeats stay away. Pure.

/** Longest silence of a daemon that speaks every two seconds. */
export const SILENCE_MS = 5000;

/** After an answer that is no stream (busy, forbidden) the browser gives up; we do not. */
const REFUSED_MS = 2000;

/** A moment by two clocks: the steady one stands still while a computer sleeps, the wall clock can be set. */
export interface Moment {
  steady: number;
  wall: number;
}

/** Milliseconds from one to the other, by whichever clock says more: rather a false alarm than a false picture. */
export function between(from: Moment, to: Moment): number {
  return Math.max(to.steady - from.steady, to.wall - from.wall);
}

export interface Verdict {
  /** Nothing was heard for too long. */
  lost: boolean;
  /** The stream is to be opened anew. */
  reopen: boolean;
}

/** `heard` is the last word of the daemon, if there was one; `tried` when the stream was opened; `closed` if it ended. */
export function judge(heard: Moment | null, tried: Moment, now: Moment, closed: boolean): Verdict {
  const silent = heard !== null && between(heard, now) > SILENCE_MS;
  const waited = between(tried, now);
  const quiet = heard === null ? waited : Math.min(waited, between(heard, now));
  return { lost: silent, reopen: quiet > SILENCE_MS || (closed && waited > REFUSED_MS) };
}
