// The images of the box, as they look; one more, another in place of one, and the end of one.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Image } from '../../api';
import { bytes } from '../../core/format';
import { hindrance } from '../../core/hindrance';
import { address, changes, kept, MOST_BYTES, NAME, nameFor, put, remove, sent } from '../../core/images';
import { busy } from '../../core/request';
import { useResource } from '../../core/resource';
import { Refused } from '../../parts/Form';
import { Section } from '../../parts/Frame';
import { Hindered } from '../../parts/Hindered';
import { Region, Table } from '../../parts/Region';
import { say } from '../../words/say';

/** Nobody else changes them often, and the daemon reads each to answer. */
const EVERY_MS = 30_000;

export function Images() {
  const found = useResource<Image[]>('/api/v1/images', EVERY_MS);
  const by = hindrance({ role: 'engineer', held: true });
  useEffect(found.again, [changes.value]);
  return (
    <Section title={say('images')} id="images">
      <p class="quiet">{say('images_advice')}</p>
      <Region of={found} empty={(all) => all.length === 0} nothing={say('no_image')}>
        {(all) => <Rows all={all} dead={by !== null} />}
      </Region>
      <Refused part="images" />
      <Send known={found.data ?? []} dead={by !== null || found.data === null} />
      <Hindered by={by} />
    </Section>
  );
}

function Rows({ all, dead }: { all: Image[]; dead: boolean }) {
  const heads = [say('picture'), say('title'), say('pixels'), say('file_size'), say('act')];
  return (
    <Table title={say('images')} heads={heads}>
      {all.map((one) => (
        <tr key={one.name} data-image={one.name}>
          <td>
            <img class="image" src={address(one)} alt={say('image_of', { name: one.name })} />
          </td>
          <th scope="row" class="name">
            {one.name}
          </th>
          <td class="number">
            {one.width} × {one.height}
          </td>
          <td class="number">{bytes(one.bytes)}</td>
          <td>
            <button
              type="button"
              aria-label={`${say('image_delete')} ${one.name}`}
              disabled={dead || busy.value !== null}
              onClick={() => void remove(one)}
            >
              {say('image_delete')} …
            </button>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Send({ known, dead }: { known: Image[]; dead: boolean }) {
  const name = useSignal('');
  const file = useSignal<File | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const old = known.find((one) => one.name === name.value);
  const large = file.value !== null && file.value.size > MOST_BYTES;
  // What is on the box is chosen no more.
  useEffect(() => {
    if (kept.value === null) return;
    [file.value, name.value] = [null, ''];
    if (field.current) field.current.value = '';
  }, [kept.value]);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const chosen = file.peek();
    if (chosen && !dead && !large) void put(name.peek(), chosen, old);
  };
  const label = say(old ? 'image_replace' : 'image_send');
  return (
    <form class="act" aria-label={say('image_send')} onSubmit={submit}>
      <div class="field">
        <label for="image-file">{say('file')}</label>
        <input
          ref={field}
          id="image-file"
          type="file"
          accept="image/png,image/jpeg"
          required
          onChange={(event) => {
            file.value = event.currentTarget.files?.[0] ?? null;
            name.value = nameFor(file.value?.name ?? '');
          }}
        />
      </div>
      <div class="field">
        <label for="image-name">{say('image_name')}</label>
        <input
          id="image-name"
          required
          pattern={NAME}
          title={say('image_name_rule')}
          maxLength={64}
          autocomplete="off"
          value={name.value}
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
      </div>
      <button type="submit" disabled={dead || large || busy.value !== null}>
        {busy.value === 'put-image' ? `… ${label}` : label}
      </button>
      {sent.value === null ? null : <progress aria-label={say('image_sending')} max={1} value={sent.value} />}
      <p role="status" data-told="image">
        {large ? `▲ ${say('image_too_large', { most: bytes(MOST_BYTES) })}` : ''}
        {kept.value === null ? '' : `✓ ${say('image_kept', { name: kept.value })}`}
      </p>
      <Refused part="put-image" />
    </form>
  );
}
