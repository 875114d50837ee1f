// Stream classes: which there are and who uses them; and one of them, with its draft, its versions, and what is put in force.

import { useSignal } from '@preact/signals';
import type { StreamClass, StreamClassFile } from '../api';
import { deleted } from '../core/classes';
import { deskOf, isMissing } from '../core/draft';
import { type Resource, useResource } from '../core/resource';
import { address } from '../core/route';
import { channelOf, status } from '../core/store';
import { Apply } from '../parts/Apply';
import { Draft } from '../parts/Draft';
import { Facts, Section } from '../parts/Frame';
import { Region, Table } from '../parts/Region';
import { Waiting } from '../parts/Waiting';
import { say } from '../words/say';
import { DeleteClass } from './classes/DeleteClass';
import { Missing } from './classes/Missing';
import { NewClass } from './classes/NewClass';
import { Versions } from './classes/Versions';

const EVERY_MS = 5000;

export function ClassList() {
  const found = useResource<StreamClass[]>('/api/v1/stream-classes', EVERY_MS);
  if (!status.value) return <Waiting />;
  return (
    <div class="page">
      <Section title={say('stream_classes')} id="classes">
        <Region of={found} empty={(all) => all.length === 0} nothing={say('no_class')}>
          {(all) => <Rows all={all} />}
        </Region>
        <Deleted />
      </Section>
      {found.data && found.data.length > 0 ? <NewClass all={found.data} /> : null}
    </div>
  );
}

/** What was deleted here last can be brought back. */
function Deleted() {
  const name = deleted.value;
  return (
    <p role="status">
      {name === null ? null : (
        <>
          ✓ {say('class_deleted', { name })}{' '}
          <a class="alone" href={address({ page: 'class', name })}>
            {name}
          </a>
        </>
      )}
    </p>
  );
}

function Rows({ all }: { all: StreamClass[] }) {
  const heads = ['stream_class', 'class_version', 'newest_version', 'class_file', 'state', 'used_by'] as const;
  return (
    <Table title={say('stream_classes')} heads={heads.map((head) => say(head))}>
      {all.map((one) => (
        <tr key={one.name}>
          <th scope="row">
            <a href={address({ page: 'class', name: one.name })}>{one.name}</a>
          </th>
          <td class="number">{one.written_version ?? '–'}</td>
          <td class="number">{one.newest?.version ?? '–'}</td>
          <td>{place(one)}</td>
          <td>{standing(one)}</td>
          <td>{users(one)}</td>
        </tr>
      ))}
    </Table>
  );
}

function place(one: StreamClass): string {
  if (!one.own) return say('class_shipped');
  return say(one.shipped ? 'class_over' : 'class_own');
}

function standing(one: StreamClass): string {
  if (one.in_force) return `✓ ${say('class_in_force')}`;
  return one.faults > 0 ? `⬣ ${say('class_faulty', { count: one.faults })}` : `▲ ${say('class_pending')}`;
}

function users(one: StreamClass): string {
  return one.channels.map((id) => channelOf(id)?.title ?? id).join(', ') || say('nobody');
}

export function ClassPage({ name }: { name: string }) {
  const found = useResource<StreamClassFile>(`/api/v1/stream-classes/${encodeURIComponent(name)}`, EVERY_MS);
  if (!status.value) return <Waiting />;
  const missing = found.data === null && found.problem !== null && isMissing(found.problem);
  const parts = (one: StreamClassFile) => <Parts found={found} one={one} />;
  return (
    <div class="page">
      <p>
        <a class="alone" href={address({ page: 'classes' })}>
          ← {say('stream_classes')}
        </a>
      </p>
      <Section title={name} id="file">
        {missing ? null : (
          <Region of={found} empty={() => false} nothing="">
            {(one) => <File one={one} />}
          </Region>
        )}
      </Section>
      {missing ? <Missing name={name} again={found.again} parts={parts} /> : null}
      {found.data ? parts(found.data) : null}
    </div>
  );
}

function File({ one }: { one: StreamClassFile }) {
  return (
    <>
      <Facts
        rows={[
          [say('file'), `${one.file} (${place(one)})`],
          [say('state'), standing(one)],
          [say('class_version'), one.written_version ?? '–'],
          [say('owner'), one.owner ?? '–'],
          [say('purpose'), one.description ?? '–'],
          [say('used_by'), users(one)],
        ]}
      />
      {one.trouble == null ? null : (
        <div class="trouble" role="alert">
          <p>
            ⬣ {say('class_unread')} <span lang="en">{one.trouble}</span>
          </p>
        </div>
      )}
    </>
  );
}

function Parts({ found, one }: { found: Resource<StreamClassFile>; one: StreamClassFile }) {
  const desk = deskOf(one.name);
  const comment = useSignal('');
  const draft = desk.draft.value;
  const said = () => comment.peek().trim() || undefined;
  const again = () => {
    if (desk.step.peek().step === 'done') comment.value = '';
    found.again();
  };
  const plan = () => {
    if (!draft) return;
    void desk.plan({ act: 'apply', body: { text: draft.text, comment: said() }, base: draft.base });
  };
  return (
    <>
      <Section title={say('config_draft')} id="draft">
        <Draft desk={desk} file={one.own_file} disk={one.text ?? null} advice={say('class_draft_advice')} />
      </Section>
      <Section title={say('config_apply')} id="apply">
        <div class="act">
          <div class="field">
            <label for="comment">{say('comment')}</label>
            <input
              id="comment"
              maxLength={500}
              value={comment.value}
              onInput={(event) => {
                comment.value = event.currentTarget.value;
              }}
            />
          </div>
        </div>
        <Apply
          desk={desk}
          advice={say('class_advice', { file: one.own_file })}
          plan={draft && draft.text !== one.text ? plan : null}
          again={again}
        />
      </Section>
      {found.data ? (
        <>
          <Versions one={one} desk={desk} comment={said} />
          <DeleteClass one={one} tag={found.tag} />
        </>
      ) : null}
    </>
  );
}
