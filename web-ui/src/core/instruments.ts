// One clock for everything that is drawn by frames. It stands still while the page is not seen or nothing moves.

/** Meters are told twenty times a second: more frames would show nothing else. */
const FRAME_MS = 50;
/** A wall of them is drawn eight times a second; no peak is lost between two. */
const CROWD = 8;
const CROWD_MS = 125;
/** So much sooner the next one is asked for: displays have one every 16.7 ms, and it should be the third. */
const EARLY_MS = 8;
/** Longest that something waits for a frame: a page that is covered may get none. */
const SOON_MS = 200;

/** Draws, `ms` after the last time; false if the next frame would look the same. */
export type Draw = (ms: number) => boolean;

const instruments = new Map<Draw, number>();
const waiting: (() => void)[] = [];
let running = false;
let last = 0;
let late: ReturnType<typeof setTimeout> | undefined;

export function attach(draw: Draw): () => void {
  instruments.set(draw, performance.now());
  wake();
  return () => {
    instruments.delete(draw);
  };
}

function catchUp(): void {
  clearTimeout(late);
  late = undefined;
  for (const act of waiting.splice(0)) act();
}

/** Done with the next frame, in order: what comes at any time is shown together. */
export function soon(act: () => void): void {
  waiting.push(act);
  late ??= setTimeout(catchUp, document.hidden ? 0 : SOON_MS);
  wake();
}

/** Something new is to be drawn. */
export function wake(): void {
  if (running || document.hidden || (instruments.size === 0 && waiting.length === 0)) return;
  running = true;
  // A frame that is asked for costs the whole page's, drawn or not: until one is due, none is asked for.
  const rest = (instruments.size > CROWD ? CROWD_MS : FRAME_MS) - EARLY_MS - (performance.now() - last);
  if (rest > 0) setTimeout(() => requestAnimationFrame(frame), rest);
  else requestAnimationFrame(frame);
}

function frame(now: number): void {
  last = now;
  catchUp();
  let moving = false;
  for (const [draw, before] of instruments) {
    instruments.set(draw, now);
    // After a pause the instrument has not been falling for all that time unseen: a second is as good as an hour.
    moving = draw(Math.min(1000, Math.max(0, now - before))) || moving;
  }
  running = false;
  if (moving) wake();
}
