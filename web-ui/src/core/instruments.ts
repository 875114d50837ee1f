// One clock for everything that is drawn by frames. It stands still while the page is not seen or nothing moves.

/** Meters are told twenty times a second: more frames would show nothing else. */
const FRAME_MS = 50;

/** Draws, `ms` after the last time; false if the next frame would look the same. */
export type Draw = (ms: number) => boolean;

const instruments = new Map<Draw, number>();
let running = false;
let last = 0;

export function attach(draw: Draw): () => void {
  instruments.set(draw, performance.now());
  wake();
  return () => {
    instruments.delete(draw);
  };
}

/** Something new is to be drawn. */
export function wake(): void {
  if (running || document.hidden || instruments.size === 0) return;
  running = true;
  requestAnimationFrame(frame);
}

function frame(now: number): void {
  if (now - last < FRAME_MS - 8) {
    requestAnimationFrame(frame);
    return;
  }
  last = now;
  let moving = false;
  for (const [draw, before] of instruments) {
    instruments.set(draw, now);
    // After a pause the instrument has not been falling for all that time unseen: a second is as good as an hour.
    moving = draw(Math.min(1000, Math.max(0, now - before))) || moving;
  }
  running = moving && !document.hidden;
  if (running) requestAnimationFrame(frame);
}
