// Confidence pictures: each once a second, few at a time, and only those that are seen. A browser has six connections to
// the daemon for all its tabs, and one is the event stream's. With many in sight each comes more rarely: decoding costs.

import { soon } from './instruments';

const EVERY_MS = 1000;
const GIVE_UP_MS = 4000;
const AT_ONCE = 2;
const A_SECOND = 8;

export interface Taken {
  /** Loaded, and decoded with the frame that shows it. */
  image: HTMLImageElement;
  /** When the picture was taken, by the steady clock. */
  at: number;
}

export interface Want {
  path: string;
  /** Whether it is to be asked for now. */
  wanted: () => boolean;
  took: (taken: Taken) => void;
  /** None is there; `code` says why. */
  none: (code: string) => void;
}

const wants = new Map<Want, number>();
let running = 0;

export function subscribe(want: Want): () => void {
  wants.set(want, 0);
  pump();
  return () => {
    wants.delete(want);
  };
}

/** Called often; asks for what is due, the longest waiting first. */
export function pump(): void {
  if (document.hidden) return;
  const now = performance.now();
  const seen = [...wants].filter(([want]) => want.wanted());
  const due = seen.filter(([, at]) => at <= now).sort((a, b) => a[1] - b[1]);
  const every = Math.max(EVERY_MS, (seen.length * 1000) / A_SECOND);
  for (const [want] of due.slice(0, Math.max(0, AT_ONCE - running))) {
    wants.set(want, now + every);
    running += 1;
    void fetchOne(want).finally(() => {
      running -= 1;
      pump();
    });
  }
}

async function fetchOne(want: Want): Promise<void> {
  try {
    const answer = await fetch(want.path, { cache: 'no-store', signal: AbortSignal.timeout(GIVE_UP_MS) });
    if (!answer.ok) {
      if (answer.status === 404) want.none('no_picture');
      return;
    }
    const age = Number.parseFloat(answer.headers.get('x-frame-age') ?? '');
    // A picture that does not say its age is as old as can be.
    const at = performance.now() - (Number.isFinite(age) ? age * 1000 : Number.POSITIVE_INFINITY);
    const image = new Image();
    // An address of an object costs a millisecond and a way through the browser's own process, twice.
    image.src = `data:image/jpeg;base64,${base64(await answer.arrayBuffer())}`;
    // Decoded when it is drawn, before the picture in its place goes; `decode()` would cost the page a frame of its own.
    image.decoding = 'sync';
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
    });
    soon(() => wants.has(want) && want.took({ image, at }));
  } catch {
    // The age goes on and says it.
  }
}

function base64(bytes: ArrayBuffer): string {
  let text = '';
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text);
}
