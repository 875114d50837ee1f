// Playing what was recorded, by hls.js, which is larger than the whole panel.

import { library } from './library';

export interface Fragment {
  /** Seconds of media time. */
  start: number;
  duration: number;
  /** Milliseconds of program time. */
  programDateTime: number | null;
}

interface Hls {
  readonly levels: { details?: { fragments: Fragment[] } }[];
  readonly currentLevel: number;
  loadSource(address: string): void;
  attachMedia(video: HTMLVideoElement): void;
  destroy(): void;
  on(event: string, hear: (event: string, data: { fatal: boolean; details: string }) => void): void;
}

/** As much of hls.js as is used here. */
interface Library {
  new (settings: Record<string, unknown>): Hls;
  isSupported(): boolean;
  readonly Events: { ERROR: string };
}

/** Where a moment of program time is in media time; in a hole, where the picture goes on. Pure. */
export function placeOf(fragments: Fragment[], at: number): number | null {
  for (const { start, duration, programDateTime } of fragments) {
    if (programDateTime === null) continue;
    const into = (at - programDateTime) / 1000;
    if (into < duration) return start + Math.max(0, into);
  }
  return null;
}

export interface Playing {
  /** Goes to a moment of program time, milliseconds; false if that is not in it. */
  seek(at: number): boolean;
  end(): void;
}

/** Plays a playlist; `fails` is called with what cannot be healed. */
export async function play(
  video: HTMLVideoElement,
  address: string,
  running: boolean,
  fails: (why: string) => void,
): Promise<Playing> {
  const Hls = await library<Library>('hls.js', 'Hls');
  if (!Hls.isSupported()) throw new Error('this browser has no Media Source Extensions');
  // Its worker would be a script that is no file of this box.
  const hls = new Hls({ enableWorker: false, startPosition: running ? -1 : 0 });
  hls.on(Hls.Events.ERROR, (_, { fatal, details }) => {
    if (fatal) fails(details);
  });
  hls.loadSource(address);
  hls.attachMedia(video);
  const seek = (at: number) => {
    const place = placeOf(hls.levels[hls.currentLevel]?.details?.fragments ?? [], at);
    if (place !== null) video.currentTime = place;
    return place !== null;
  };
  return { seek, end: () => hls.destroy() };
}
