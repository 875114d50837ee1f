// One recording: to be played, made into a movie, cut, compared, sent, protected, deleted.

import { useSignal } from '@preact/signals';
import type { RecordingSummary } from '../../api';
import { bytes } from '../../core/format';
import { type Hindrance, hindrance } from '../../core/hindrance';
import { clip, partOf, playable, protect, remove, removeMovie, stitch, upload, verify } from '../../core/recordings';
import { busy } from '../../core/request';
import { status } from '../../core/store';
import { Check, Field, Form, Refused } from '../../parts/Form';
import { Hindered } from '../../parts/Hindered';
import { say } from '../../words/say';
import { Player } from './Player';

interface Props {
  one: RecordingSummary;
  /** It has changed: look again. */
  again: () => void;
}

export function Opened({ one, again }: Props) {
  /** What is played: the recording (null), one of its movies, or nothing yet. */
  const played = useSignal<string | null | undefined>(undefined);
  const by = hindrance({ role: 'operator' });
  const open = (what: string | null) => {
    played.value = what;
  };
  return (
    <div class="recording">
      {played.value === undefined ? (
        <button type="button" onClick={() => open(null)}>
          ▶ {say('play')}
        </button>
      ) : (
        <Player key={played.value} one={one} movie={played.value} />
      )}
      <Movies one={one} again={again} play={open} />
      <Work one={one} dead={by !== null} />
      <Hindered by={by} />
      <Keep one={one} by={by} again={again} />
    </div>
  );
}

/** Jobs, which go on by themselves. */
function Work({ one, dead }: { one: RecordingSummary; dead: boolean }) {
  const form = (what: string) => ({
    part: partOf(one, what),
    dead,
    title: `${say(`job_${what}` as 'job_clip')} ${one.id}`,
  });
  const known = new Set(
    (status.value?.channels ?? []).flatMap((each) => each.report?.destinations ?? []).map(({ id }) => id),
  );
  return (
    <>
      <Form {...form('clip')} button={say('job_clip')} send={(fields) => clip(one, fields)}>
        <Field id="clip-from" name="from" label={say('clip_from')} optional />
        <Field id="clip-to" name="to" label={say('clip_to')} optional />
        <Field id="clip-title" name="title" label={say('title')} optional most={200} />
        <Check name="movie" label={say('as_movie')} />
        <Check name="exact" label={say('exact')} />
      </Form>
      <Form {...form('stitch')} button={say('job_stitch')} send={({ exact }) => stitch(one, exact === 'on')}>
        <Check name="exact" label={say('exact')} />
      </Form>
      <Form
        {...form('upload')}
        button={say('job_upload')}
        send={({ to = '', limit = '' }) => upload(one, to.trim(), limit)}
      >
        <Field id="upload-to" name="to" label={say('upload_to')} list="upload-known" />
        <Field id="upload-limit" name="limit" label={say('upload_limit')} optional />
        <datalist id="upload-known">
          {[...known].map((id) => (
            <option key={id} value={id} />
          ))}
        </datalist>
      </Form>
      <Form {...form('verify')} button={say('job_verify')} send={() => verify(one)} />
    </>
  );
}

function Movies({ one, again, play }: Props & { play: (movie: string) => void }) {
  const by = hindrance({ role: 'engineer', held: true, channel: one.channel });
  if (one.movies.length === 0) return null;
  return (
    <>
      <ul aria-label={say('files')}>
        {one.movies.map(({ name, bytes: size }) => (
          <li key={name} class="row">
            <a class="alone" href={playable(one, name)} download>
              {name} ({bytes(size)})
            </a>
            <button type="button" aria-label={`${say('play')} ${name}`} onClick={() => play(name)}>
              ▶ {say('play')}
            </button>
            <button
              type="button"
              aria-label={`${say('delete')} ${name}`}
              disabled={by !== null || busy.value !== null}
              onClick={() => void removeMovie(one, name).then(again)}
            >
              {say('delete')} …
            </button>
          </li>
        ))}
      </ul>
      <Hindered by={by} />
    </>
  );
}

/** Kept from being deleted, and deleted. */
function Keep({ one, by, again }: Props & { by: Hindrance | null }) {
  const heldBy = one.protected ? hindrance({ role: 'operator', held: true, channel: one.channel }) : by;
  const deletes = hindrance({ role: 'engineer', held: true, channel: one.channel });
  const runs = one.state === 'recording';
  const waits = busy.value !== null;
  return (
    <div class="acts">
      <div class="row">
        <button
          type="button"
          disabled={waits || heldBy !== null}
          onClick={() => void protect(one, !one.protected).then(again)}
        >
          {say(one.protected ? 'unprotect' : 'protect')}
        </button>
        <button
          type="button"
          disabled={waits || runs || one.protected || deletes !== null}
          onClick={() => void remove(one).then(again)}
        >
          {say('delete')} …
        </button>
      </div>
      {runs || one.protected ? (
        <p class="hindered">{say(runs ? 'delete_runs' : 'delete_protected')}</p>
      ) : (
        <Hindered by={deletes?.why === 'lost' || deletes?.why === by?.why ? null : deletes} />
      )}
      <Refused part={partOf(one, 'change')} />
    </div>
  );
}
