// Beside what cannot be pressed: why.

import { stamp } from '../core/format';
import type { Hindrance } from '../core/hindrance';
import { say, word } from '../words/say';

function told(by: Hindrance): string {
  switch (by.why) {
    case 'lost':
      return say('hindered_lost');
    case 'locked':
      return say('hindered_locked');
    case 'role':
      return say('needs_role', { role: word('role', by.role) });
    case 'frozen': {
      const { until, reason } = by.freeze;
      const end = until ? say('freeze_until', { time: stamp(until) }) : say('freeze_open_end');
      return `▣ ${say('frozen')} ${end}: ${reason}`;
    }
  }
}

export function Hindered({ by }: { by: Hindrance | null }) {
  return by ? (
    <p class="hindered" data-why={by.why}>
      {told(by)}
    </p>
  ) : null;
}
