// How an instrument moves. A programme meter of type I (IEC 60268-10): a burst of 10 ms reads 1 dB below a steady tone, and
// the bar falls 20 dB in 1.7 s. Pure; levels in dBFS.

export const FLOOR_DB = -60;

/** One-pole rise: after 10 ms at 10^(-1/20) of the way. */
const RISE_MS = 10 / -Math.log(1 - 10 ** (-1 / 20));
const FALL_DB_PER_MS = 20 / 1700;
const HOLD_MS = 3000;

const toLinear = (db: number) => 10 ** (db / 20);
const toDb = (linear: number) => (linear > 0 ? 20 * Math.log10(linear) : -Infinity);

/** One bar with its peak hold. */
export class Ppm {
  level = FLOOR_DB;
  hold = FLOOR_DB;
  #held = 0;

  /** `ms` have gone by, in which the signal's peak was `input`. */
  step(ms: number, input: number): void {
    const fallen = this.level - FALL_DB_PER_MS * ms;
    if (input > this.level) {
      const from = toLinear(this.level);
      const risen = from + (toLinear(input) - from) * (1 - Math.exp(-ms / RISE_MS));
      this.level = toDb(risen);
    } else {
      this.level = Math.max(input, fallen);
    }
    this.level = Math.max(this.level, FLOOR_DB);
    this.#held += ms;
    if (this.level >= this.hold) [this.hold, this.#held] = [this.level, 0];
    else if (this.#held > HOLD_MS) this.hold = Math.max(this.level, this.hold - FALL_DB_PER_MS * ms);
  }

  /** Whether another step with the same input would change nothing that is seen. */
  rests(input: number): boolean {
    const target = Math.max(input, FLOOR_DB);
    return Math.abs(this.level - target) < 0.05 && this.hold - this.level < 0.05;
  }
}

/** Where a level stands on a scale from `low` to `high`, 0 to 1. */
export function place(db: number, low: number, high: number): number {
  return Math.min(1, Math.max(0, (db - low) / (high - low)));
}
