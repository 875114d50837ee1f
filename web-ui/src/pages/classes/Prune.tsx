// Versions that are too old to be gone back to. The daemon asks first, and wants the name of the class typed.

import { useSignal } from '@preact/signals';
import { prune } from '../../core/classes';
import { hindrance } from '../../core/hindrance';
import { Field, Form } from '../../parts/Form';
import { Hindered } from '../../parts/Hindered';
import { say } from '../../words/say';

export function Prune({ name, again }: { name: string; again: () => void }) {
  const done = useSignal<number | null>(null);
  const by = hindrance({ role: 'engineer', held: true });
  const send = async ({ keep }: Record<string, string>) => {
    const came = await prune(name, Number(keep));
    done.value = came?.deleted.length ?? null;
    again();
    return came !== null;
  };
  return (
    <details>
      <summary>{say('prune')}</summary>
      <Form part="prune" title={say('prune')} button={say('prune')} dead={by !== null} send={send}>
        <Field
          id="prune-keep"
          name="keep"
          label={say('prune_keep')}
          pattern="[1-9][0-9]{0,3}"
          hint="1 – 9999"
          most={4}
        />
      </Form>
      <Hindered by={by} />
      <p role="status">{done.value === null ? '' : `✓ ${say('pruned', { count: done.value })}`}</p>
    </details>
  );
}
