// Two steps for what viewers would notice. Pure.

/** How long an armed order waits for its confirmation: after a choice somebody still looks at the picture. */
export const ARMED_MS = { select: 10_000, press: 5000 } as const;

/** A second press sooner than this is the same press: a bounce, a double click, a key that is held. */
export const BOUNCE_MS = 350;

export type What = 'take' | 'stop';

export interface Armed {
  channel: string;
  what: What;
  /** What it is about, as it was seen: if that changes meanwhile, nothing is confirmed. */
  about: string;
  /** `select`: something was put next, the take button confirms. `press`: the button armed it, another place confirms. */
  by: 'select' | 'press';
  at: number;
}

export const left = (armed: Armed, now: number) => Math.max(0, armed.at + ARMED_MS[armed.by] - now);

/** Whether a press now confirms this. */
export function confirms(armed: Armed | null, wanted: Omit<Armed, 'at'>, now: number): boolean {
  if (!armed || armed.by !== wanted.by) return false;
  const same = armed.channel === wanted.channel && armed.what === wanted.what && armed.about === wanted.about;
  return same && now - armed.at >= BOUNCE_MS && left(armed, now) > 0;
}
