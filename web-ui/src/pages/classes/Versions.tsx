// The versions of a stream class: who made each, when and why; what differs between two; and going back to one.

import { useSignal } from '@preact/signals';
import type { ClassVersion, ClassVersionText, StreamClassFile } from '../../api';
import type { Desk } from '../../core/draft';
import { stamp } from '../../core/format';
import { type Resource, useResource } from '../../core/resource';
import { has } from '../../core/session';
import { fresh } from '../../core/store';
import { Difference } from '../../parts/Difference';
import { Section } from '../../parts/Frame';
import { Region, Table } from '../../parts/Region';
import { say, word } from '../../words/say';
import { Prune } from './Prune';

interface Page {
  items: ClassVersion[];
}

interface Props {
  one: StreamClassFile;
  desk: Desk;
  /** Why, if that was said. */
  comment: () => string | undefined;
}

const EVERY_MS = 5000;

const below = (one: StreamClassFile) => `/api/v1/stream-classes/${encodeURIComponent(one.name)}/versions`;

export function Versions({ one, desk, comment }: Props) {
  const found = useResource<Page>(`${below(one)}?limit=500`, EVERY_MS);
  const back = (to: { version: number } | { shipped: true }) => {
    void desk.plan({ act: 'rollback', body: { ...to, comment: comment() } });
    document.getElementById('apply')?.scrollIntoView({ block: 'start' });
  };
  const may = fresh.value && has('engineer');
  return (
    <>
      <Section title={say('versions')} id="versions">
        {one.own && one.shipped ? (
          <div class="row">
            <button type="button" disabled={!may} onClick={() => back({ shipped: true })}>
              {say('roll_back_shipped')}
            </button>
          </div>
        ) : null}
        <Region of={found} empty={(page) => page.items.length === 0} nothing={say('no_version')}>
          {(page) => (
            <Rows
              all={page.items}
              may={may}
              current={one.file !== one.own_file || one.own}
              back={(version) => back({ version })}
            />
          )}
        </Region>
        {found.data && found.data.items.length > 0 ? <Prune name={one.name} again={found.again} /> : null}
      </Section>
      <Section title={say('compare')} id="compare">
        <Compare one={one} all={found.data?.items.filter((kept) => kept.about) ?? []} />
      </Section>
    </>
  );
}

interface Listing {
  all: ClassVersion[];
  may: boolean;
  /** Whether the newest is what is there: one goes back to others then. */
  current: boolean;
  back: (version: number) => void;
}

function Rows({ all, may, current, back }: Listing) {
  const heads = ['version', 'kept_at', 'who', 'how', 'comment'] as const;
  return (
    <Table title={say('versions')} heads={[...heads.map((head) => say(head)), say('roll_back')]}>
      {all.map((kept, place) => (
        <tr key={kept.version}>
          <th scope="row" class="number">
            {kept.version} {place === 0 ? <span class="quiet">{say('newest')}</span> : null}
          </th>
          {kept.about ? <About about={kept.about} /> : <Damaged why={kept.fault ?? ''} />}
          <td>
            <button
              type="button"
              aria-label={say('roll_back_to', { version: kept.version })}
              disabled={!may || (current && place === 0) || !kept.about}
              onClick={() => back(kept.version)}
            >
              {say('roll_back')}
            </button>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function About({ about }: { about: NonNullable<ClassVersion['about']> }) {
  const to = about.of == null ? '' : ` (${say('back_to', { version: about.of })})`;
  return (
    <>
      <td>{stamp(about.at)}</td>
      <td>{about.by ?? '–'}</td>
      <td>
        {word('how', about.how)}
        {to} <span class="quiet">{about.own ? '' : say('class_shipped')}</span>
      </td>
      <td>{about.comment ?? ''}</td>
    </>
  );
}

function Damaged({ why }: { why: string }) {
  return (
    <td colSpan={4}>
      ⬣ {say('damaged')} <span lang="en">{why}</span>
    </td>
  );
}

/** A version by its number, or one of the two that have none. */
type Choice = string;
const NOW = 'now';
const SHIPPED = 'shipped';

/** Any two: versions, what is shipped, what is on disk. */
function Compare({ one, all }: { one: StreamClassFile; all: ClassVersion[] }) {
  const from = useSignal<Choice | null>(null);
  const to = useSignal<Choice>(NOW);
  const first = from.value ?? String(all[1]?.version ?? all[0]?.version ?? NOW);
  const of = (version: Choice) => (version === NOW || version === SHIPPED ? null : Number(version));
  const options: [Choice, string][] = [
    [NOW, say('now_on_disk')],
    ...(one.shipped ? [[SHIPPED, say('class_shipped')] as [Choice, string]] : []),
    ...all.map((kept): [Choice, string] => [String(kept.version), say('version_no', { version: kept.version })]),
  ];
  const name = (choice: Choice) => options.find(([key]) => key === choice)?.[1] ?? choice;
  return (
    <>
      <fieldset class="filters" aria-label={say('compare')}>
        <Choose label={say('compare_from')} value={first} options={options} choose={(key) => (from.value = key)} />
        <Choose label={say('compare_to')} value={to.value} options={options} choose={(key) => (to.value = key)} />
      </fieldset>
      <Between
        key={`${first}:${to.value}`}
        one={one}
        pair={[first, to.value]}
        versions={[of(first), of(to.value)]}
        title={say('compared', { from: name(first), to: name(to.value) })}
      />
    </>
  );
}

interface Choosing {
  label: string;
  value: Choice;
  options: [Choice, string][];
  choose: (key: Choice) => void;
}

function Choose({ label, value, options, choose }: Choosing) {
  return (
    <label>
      {label}{' '}
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

interface Pair {
  one: StreamClassFile;
  pair: [Choice, Choice];
  versions: [number | null, number | null];
  title: string;
}

/** Versions do not change: they are asked for once. */
const NEVER_MS = 3_600_000;

function Between({ one, pair, versions, title }: Pair) {
  const path = (version: number | null) => (version === null ? null : `${below(one)}/${version}`);
  const first = useText(path(versions[0]), pair[0], one);
  const second = useText(path(versions[1]), pair[1], one);
  return (
    <Region of={first} empty={() => false} nothing="">
      {(before) => (
        <Region of={second} empty={() => false} nothing="">
          {(after) => <Difference first={before} second={after} title={title} />}
        </Region>
      )}
    </Region>
  );
}

/** The text of a version, or of what the document has already. */
function useText(path: string | null, choice: Choice, one: StreamClassFile): Resource<string> {
  const asked = useResource<ClassVersionText>(path, NEVER_MS);
  if (path !== null) return { ...asked, data: asked.data?.text ?? null };
  const here = choice === SHIPPED && one.own ? one.shipped_text : one.text;
  return { ...asked, data: here ?? '', problem: null };
}
