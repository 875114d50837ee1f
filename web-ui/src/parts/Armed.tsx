// The other place: what is armed is confirmed here, over the picture, before its time is up.

import { useEffect, useRef } from 'preact/hooks';
import type { ChannelStatus } from '../api';
import { armed, disarm, may, pressConfirm } from '../core/acts';
import { left } from '../core/arm';
import { tick } from '../core/store';
import { programOrder } from '../words/program';
import { say } from '../words/say';

export function ArmedStrip({ channel }: { channel: ChannelStatus }) {
  const current = armed.value;
  const mine = current?.channel === channel.id && current.by === 'press';
  return mine ? <Strip channel={channel} /> : null;
}

function Strip({ channel }: { channel: ChannelStatus }) {
  tick.value;
  const confirm = useRef<HTMLButtonElement>(null);
  const from = useRef<Element | null>(null);
  // The keyboard goes to the confirmation and back to where it was.
  useEffect(() => {
    from.current = document.activeElement;
    confirm.current?.focus();
    return () => {
      const before = from.current;
      const free = document.activeElement === null || document.activeElement === document.body;
      if (free && before instanceof HTMLElement) before.focus();
    };
  }, []);
  const current = armed.value;
  if (!current) return null;
  const take = current.what === 'take';
  const next = channel.report?.program.preview;
  const seconds = Math.ceil(left(current, performance.now()) / 1000);
  return (
    <fieldset
      class="armed"
      aria-label={say(take ? 'arm_take_of' : 'arm_stop_of', { channel: channel.title })}
      onKeyDown={(event: KeyboardEvent) => {
        if (event.key === 'Escape') disarm();
        // A key that is held down does not confirm what it armed.
        if (event.repeat) event.preventDefault();
      }}
    >
      <p>
        {take && next ? say('arm_take', { next: programOrder(next) }) : say('arm_stop', { channel: channel.title })}{' '}
        <span class="left">{say('arm_left', { seconds })}</span>
      </p>
      <div class="row">
        <button
          type="button"
          ref={confirm}
          class={take ? 'confirm' : 'confirm ends'}
          disabled={!may(channel.id)}
          onClick={() => pressConfirm(channel)}
        >
          {say(take ? 'confirm_take' : 'confirm_stop')}
        </button>
        <button type="button" onClick={disarm}>
          {say(take ? 'keep' : 'keep_on_air')}
        </button>
      </div>
    </fieldset>
  );
}
