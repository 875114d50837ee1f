// The key map, on the screen.

import { useEffect, useRef } from 'preact/hooks';
import type { Binding } from '../core/keys';
import { sheet } from '../core/surface';
import { say } from '../words/say';

export function KeySheet({ bindings }: { bindings: Binding[] }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = sheet.value;
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open && dialog.current?.open) dialog.current.close();
  }, [open]);
  const close = () => {
    sheet.value = false;
  };
  return (
    <dialog ref={dialog} class="sheet" aria-labelledby="sheet-title" onClose={close}>
      <h2 id="sheet-title">{say('keys')}</h2>
      <dl>
        {bindings.map(({ chord, says }) => (
          <div key={chord}>
            <dt>
              <kbd>{chord}</kbd>
            </dt>
            <dd>{say(says)}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet">{say('keys_chosen')}</p>
      <button type="button" onClick={close}>
        {say('close')}
      </button>
    </dialog>
  );
}
