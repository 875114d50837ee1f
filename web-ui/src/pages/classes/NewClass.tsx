// A new stream class begins as the copy of another one, and as a draft: nothing is written before it is put in force.

import { useSignal } from '@preact/signals';
import type { StreamClass } from '../../api';
import { copy, NAME } from '../../core/classes';
import { hindrance } from '../../core/hindrance';
import { goOn } from '../../core/route';
import { Choice, Field, Form } from '../../parts/Form';
import { Section } from '../../parts/Frame';
import { Hindered } from '../../parts/Hindered';
import { say } from '../../words/say';

export function NewClass({ all }: { all: StreamClass[] }) {
  const refused = useSignal<string | null>(null);
  const by = hindrance({ role: 'engineer' });
  const begin = async ({ name = '', of = '' }: Record<string, string>) => {
    const there = all.some((one) => one.name === name);
    refused.value = there ? say('class_there', { name }) : null;
    if (there) return false;
    const done = await copy(name, of);
    if (done) goOn({ page: 'classes' }, { page: 'class', name });
    else refused.value = say('class_uncopied', { name: of });
    return done;
  };
  const names = all.map(({ name }): [string, string] => [name, name]);
  return (
    <Section title={say('class_new')} id="class-new">
      <p class="quiet">{say('class_new_advice')}</p>
      <Form part="class-new" title={say('class_new')} button={say('class_begin')} dead={by !== null} send={begin}>
        <Field
          id="class-name"
          name="name"
          label={say('class_name')}
          most={63}
          pattern={NAME}
          hint={say('class_name_rule')}
        />
        <Choice id="class-of" name="of" label={say('class_copy_of')} of={names} />
      </Form>
      <Hindered by={by} />
      <p role="status">{refused.value === null ? '' : `▲ ${refused.value}`}</p>
    </Section>
  );
}
