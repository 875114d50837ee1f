// The configuration: what is in force and where it is written, a draft with its faults at their lines, and putting in force
// that draft, or what is on disk, after a look at what it would interrupt.

import { useSignal } from '@preact/signals';
import type { ConfigStatus, Configuration } from '../api';
import { configuration } from '../core/draft';
import { stamp } from '../core/format';
import { type Resource, useResource } from '../core/resource';
import { status } from '../core/store';
import { Apply } from '../parts/Apply';
import { Draft } from '../parts/Draft';
import { Section } from '../parts/Frame';
import { FreezeForm } from '../parts/Freeze';
import { Region, Table } from '../parts/Region';
import { Waiting } from '../parts/Waiting';
import { say } from '../words/say';

export function ConfigurationPage() {
  const document = status.value;
  const config = useResource<Configuration>('/api/v1/config', 5000);
  if (!document) return <Waiting />;
  return (
    <div class="page">
      <Section title={say('config_file')} id="file">
        <Region of={config} empty={() => false} nothing="">
          {(found) => <File found={found} config={document.config} />}
        </Region>
      </Section>
      <Section title={say('freeze')} id="freeze">
        <FreezeForm />
      </Section>
      {config.data ? <Parts config={config} found={config.data} /> : null}
    </div>
  );
}

function Parts({ config, found }: { config: Resource<Configuration>; found: Configuration }) {
  const draft = configuration.draft.value;
  const { file, writable } = found;
  // Where the daemon may not write, somebody else puts the draft on disk.
  const mine = writable && draft !== null && draft.text !== found.text ? draft : null;
  const plan = () =>
    configuration.plan(mine ? { act: 'apply', body: { text: mine.text }, base: mine.base } : { act: 'reload' });
  return (
    <>
      <Section title={say('config_apply')} id="apply">
        <Apply
          desk={configuration}
          advice={say(mine ? 'apply_draft_advice' : 'apply_advice', { file })}
          plan={() => void plan()}
          again={config.again}
        />
      </Section>
      <Section title={say('config_draft')} id="draft">
        <Draft
          desk={configuration}
          file={file}
          disk={found.text ?? null}
          advice={say(writable ? 'draft_advice_writable' : 'draft_advice', { file })}
        />
      </Section>
      <Section title={say('config_keys')} id="keys">
        <Keys found={found} />
      </Section>
    </>
  );
}

function File({ found, config }: { found: Configuration; config: ConfigStatus }) {
  const { rejected, last_good } = config;
  return (
    <>
      <dl class="facts">
        <div>
          <dt>{say('file')}</dt>
          <dd>{found.file}</dd>
        </div>
        <div>
          <dt>{say('in_force_since')}</dt>
          <dd>
            {stamp(found.loaded_at)} UTC <span class="quiet">{say('generation', { count: found.generation })}</span>
          </dd>
        </div>
      </dl>
      {rejected.length > 0 ? (
        <div class="trouble" role="alert">
          <div>
            <strong>
              ⬣ {last_good ? say('config_last_good', { time: stamp(last_good.at) }) : say('config_rejected')}
            </strong>
            <ul lang="en">
              {rejected.map((one) => (
                <li key={one}>{one}</li>
              ))}
            </ul>
          </div>
        </div>
      ) : null}
    </>
  );
}

const SECRET = JSON.stringify({ set: true });

function value(of: unknown): string {
  const text = JSON.stringify(of);
  return text === SECRET ? say('secret_set') : text;
}

function Keys({ found }: { found: Configuration }) {
  const wanted = useSignal('');
  const written = useSignal(false);
  const fits = found.settings.filter((one) => one.key.includes(wanted.value) && (!written.value || one.line != null));
  return (
    <>
      <fieldset class="filters" aria-label={say('filters')}>
        <label>
          {say('key_part')}{' '}
          <input
            type="search"
            value={wanted.value}
            onInput={(event) => {
              wanted.value = event.currentTarget.value.trim();
            }}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={written.value}
            onChange={(event) => {
              written.value = event.currentTarget.checked;
            }}
          />{' '}
          {say('only_written')}
        </label>
      </fieldset>
      {fits.length === 0 ? (
        <p class="empty">{say('no_key')}</p>
      ) : (
        <Table title={say('config_keys')} heads={[say('key'), say('value'), say('written')]}>
          {fits.map((one) => (
            <tr key={one.key}>
              <th scope="row" class="name">
                {one.key}
              </th>
              <td class="name">
                <code>{value(one.value)}</code>
              </td>
              <td class="number">
                {one.line == null ? (
                  <span class="quiet">{say('default_value')}</span>
                ) : (
                  say('line_no', { line: one.line })
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}
