// A stream class that is not there: one that is being made, or one that was deleted and has versions to go back to.

import type { ComponentChildren } from 'preact';
import type { StreamClass, StreamClassFile } from '../../api';
import { deskOf } from '../../core/draft';
import { useResource } from '../../core/resource';
import { Apply } from '../../parts/Apply';
import { Section } from '../../parts/Frame';
import { say } from '../../words/say';
import { Versions } from './Versions';

interface Props {
  name: string;
  /** It may be there by now. */
  again: () => void;
  /** What is done with it, as if it were there and empty. */
  parts: (one: StreamClassFile) => ComponentChildren;
}

const EVERY_MS = 15_000;

export function Missing({ name, again, parts }: Props) {
  const all = useResource<StreamClass[]>('/api/v1/stream-classes', EVERY_MS);
  const kept = useResource<unknown>(`/api/v1/stream-classes/${encodeURIComponent(name)}/versions?limit=1`, EVERY_MS);
  const desk = deskOf(name);
  const drafted = desk.draft.value !== null;
  const one = blank(name, all.data?.[0]?.own_file);
  return (
    <>
      <p class="empty">{say(drafted ? 'class_missing_draft' : 'class_missing', { name })}</p>
      {drafted ? parts(one) : null}
      {!drafted && kept.data !== null ? (
        <>
          <Section title={say('config_apply')} id="apply">
            <Apply desk={desk} advice={say('class_advice', { file: one.own_file })} plan={null} again={again} />
          </Section>
          <Versions one={one} desk={desk} comment={() => undefined} />
        </>
      ) : null}
    </>
  );
}

/** Its file would be beside the others. */
function blank(name: string, beside: string | undefined): StreamClassFile {
  const own_file = `${beside?.replace(/[^/]*$/, '') ?? ''}${name}.toml`;
  const here = { name, file: own_file, own_file, own: false, shipped: false, in_force: false };
  const unknown = { written_version: null, owner: null, description: null, newest: null, trouble: null };
  return { ...here, ...unknown, faults: 0, channels: [], text: '', shipped_text: null };
}
