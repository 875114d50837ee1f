// Where loudness stands against its target. Pure.

import type { LoudnessTarget } from '../api';

/** The scale of EBU Tech 3341 for most programme, "EBU +9": from so much below the target to so much above, LU. */
const BELOW = 18;
const ABOVE = 9;

/** The place on the scale, 0 to 1. */
export function height(lufs: number, target: LoudnessTarget): number {
  return Math.min(1, Math.max(0, (lufs - target.lufs + BELOW) / (BELOW + ABOVE)));
}

/** The marks of the scale, highest first. */
export const marks = ({ lufs }: LoudnessTarget): number[] => [lufs + ABOVE, lufs, lufs - ABOVE, lufs - BELOW];

export function verdict(lufs: number | null | undefined, target: LoudnessTarget): 'unknown' | 'on' | 'above' | 'below' {
  if (lufs == null) return 'unknown';
  const off = lufs - target.lufs;
  if (Math.abs(off) <= target.tolerance_lu) return 'on';
  return off > 0 ? 'above' : 'below';
}
