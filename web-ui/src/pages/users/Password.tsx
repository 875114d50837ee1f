// One's own password.

import { useSignal } from '@preact/signals';
import { act } from '../../core/users';
import { Field, Form } from '../../parts/Form';
import { say } from '../../words/say';

export function Password() {
  const done = useSignal(false);
  const send = async ({ current, next }: Record<string, string>) => {
    done.value = (await act('password', 'PUT', 'session/password', { current, new: next })) !== null;
    return done.peek();
  };
  return (
    <details>
      <summary>{say('change_password')}</summary>
      <Form part="password" title={say('change_password')} button={say('change_password')} send={send}>
        <Field
          id="password-current"
          name="current"
          label={say('password_now')}
          kind="password"
          fills="current-password"
        />
        <Field id="password-next" name="next" label={say('password_new')} kind="password" fills="new-password" />
      </Form>
      <p role="status">{done.value ? `✓ ${say('password_changed')}` : ''}</p>
    </details>
  );
}
