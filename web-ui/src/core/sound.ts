// Sounds of this surface: off until somebody wants them here. Browsers let nothing be heard before a touch or a key, which
// the panel says; each sound is a few tones, made here.
//
//   off ──press──▶ on ──reload──▶ blocked ──touch or key──▶ on

import { effect, signal } from '@preact/signals';
import { alarms } from './alarms';
import { type Chime, called, linked } from './chime';
import { read, write } from './keep';
import { type Phase, phase } from './store';

/** Whether somebody wants them here. */
export const wanted = signal(read('sounds') === 'yes');
/** They are wanted, and the browser lets nothing be heard. */
export const blocked = signal(false);

/** Hertz and seconds, one after the other. */
const TONES: Record<Chime, [number, number][]> = {
  critical: [
    [880, 0.14],
    [660, 0.14],
    [880, 0.2],
  ],
  warning: [[660, 0.22]],
  lost: [
    [440, 0.18],
    [311, 0.3],
  ],
  back: [
    [311, 0.14],
    [440, 0.2],
  ],
};
const LOUD = 0.25;
/** Without these the ends of a tone click. */
const EDGE_S = 0.01;

let context: AudioContext | null = null;

function look(): void {
  blocked.value = wanted.peek() && context?.state !== 'running';
}

function open(): AudioContext {
  if (context === null) {
    context = new AudioContext();
    context.addEventListener('statechange', look);
  }
  return context;
}

export function play(chime: Chime): void {
  if (!wanted.peek() || context?.state !== 'running') return;
  let at = context.currentTime + 0.02;
  for (const [hertz, seconds] of TONES[chime]) {
    const [tone, gain] = [context.createOscillator(), context.createGain()];
    tone.frequency.value = hertz;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(LOUD, at + EDGE_S);
    gain.gain.setValueAtTime(LOUD, at + seconds - EDGE_S);
    gain.gain.linearRampToValueAtTime(0, at + seconds);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds;
  }
}

/** By a press: whoever switches them on hears what a critical alarm sounds like. */
export async function toggleSounds(): Promise<void> {
  wanted.value = !wanted.peek();
  write('sounds', wanted.peek() ? 'yes' : 'no');
  if (wanted.peek()) await open().resume();
  look();
  play('critical');
}

export function followSound(): void {
  if (wanted.peek()) open();
  look();
  const touched = () => {
    if (blocked.peek()) void open().resume();
  };
  for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, touched);
  let heard: ReadonlySet<string> = new Set();
  effect(() => {
    const now = called(heard, alarms.value ?? []);
    heard = now.heard;
    if (now.chime) play(now.chime);
  });
  let before: Phase = phase.peek();
  effect(() => {
    const chime = linked(before, phase.value);
    before = phase.value;
    if (chime) play(chime);
  });
}
