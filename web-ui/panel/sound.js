// The sound of a program in words: one row per mix, as `program.loudness` and `program.sound_states` tell it.

const FAULTS = {
  silence: 'no sound',
  over_level: 'over level',
  phase_inverted: 'phase inverted',
  channel_missing: 'channel missing',
};

const number = (value) => (value == null ? '–' : value.toFixed(1));

/** What is wrong with the mix of these channels, or nothing. */
export function faults(channels, states) {
  const same = (state) => state.channels.join() === channels.join();
  const active = states.filter((state) => state.active && same(state));
  return active.map((state) => FAULTS[state.fault] ?? state.fault).join(', ');
}

/** A row: channels, momentary, short-term, integrated, LRA, true peak, correction, faults. */
export function row(mix, states) {
  const wrong = faults(mix.channels, states);
  return [
    mix.channels.join(' '),
    number(mix.momentary),
    number(mix.short_term),
    number(mix.integrated),
    number(mix.lra),
    number(Math.max(...mix.true_peak)),
    mix.correction_db == null ? 'off' : `${mix.correction_db >= 0 ? '+' : ''}${mix.correction_db.toFixed(1)} dB`,
    [wrong || 'good', wrong ? 'health health-partially_healthy' : 'health health-healthy'],
  ];
}
