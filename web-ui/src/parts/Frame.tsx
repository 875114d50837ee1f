// What is around every page: where one can go, whose box it is, what time it is, and whether what is shown is true.

import type { ComponentChildren } from 'preact';
import type { ApplianceStatus } from '../api';
import { sync } from '../core/clock';
import { duration, local, utc } from '../core/format';
import { silence } from '../core/link';
import { address, PAGES, type Page, route } from '../core/route';
import { leave, who } from '../core/session';
import { now, phase, status, tick } from '../core/store';
import { locked, sheet, theme } from '../core/surface';
import { LANGUAGES, type Language, language, say, speak, word } from '../words/say';
import { Hold } from './Hold';
import { Icon } from './Icon';
import { Here } from './Presence';

/** A daemon without users has no page of them. */
const offered = (page: Page) => page !== 'users' || who.value !== null;

export function Rail() {
  const { page: shown } = route.value;
  const here = shown === 'channel' ? 'on-air' : shown === 'class' ? 'classes' : shown;
  return (
    <nav class="rail" aria-label={say('pages')}>
      {PAGES.filter(offered).map((page: Page) => (
        <a key={page} href={address({ page })} aria-current={page === here ? 'page' : undefined}>
          <Icon name={page} />
          <span>{word('page', page.replace('-', '_'))}</span>
        </a>
      ))}
    </nav>
  );
}

export function Top() {
  const document = status.value;
  const wanted = document?.channels.filter((channel) => channel.order === 'on_air') ?? [];
  const on = wanted.filter((channel) => channel.on_air).length;
  return (
    <header class="top">
      <p class="box">
        <strong>{document?.name ?? 'Uplink'}</strong>
        {document ? <span class="quiet">{say('on_air_of', { on, all: wanted.length })}</span> : null}
      </p>
      <Clock />
      <LinkState />
      <Here />
      <Person />
      <Surface />
    </header>
  );
}

function Clock() {
  tick.value;
  if (!status.value) return <p class="clock" />;
  const at = now();
  return (
    <p class="clock" title={say('clock_of_box')}>
      <time>{utc(at)}</time> <span class="unit">UTC</span>
      <span class="quiet">
        {local(at)} {say('local')}
      </span>{' '}
      <Kept by={status.value.clock} />
    </p>
  );
}

const SYNC = { good: '✓', off: '▲', none: '▲', unknown: '○' };

/** Segments are cut by this clock, and two boxes agree by it. */
function Kept({ by }: { by: ApplianceStatus['clock'] }) {
  const state = sync(by);
  const time = `${Math.round(by?.error_ms ?? 0)} ms`;
  return (
    <span class={`sync is-${state}`} data-sync={state} title={[by?.program, by?.source].filter(Boolean).join(': ')}>
      {SYNC[state]} {say(`sync_${state}`, { time })}
    </span>
  );
}

function LinkState() {
  tick.value;
  const quiet = silence();
  const texts = {
    connecting: say('link_connecting'),
    live: say('link_live'),
    lost: say('link_lost', { time: duration((quiet ?? 0) / 1000) }),
    forbidden: say('link_forbidden'),
  };
  const shape = { connecting: '○', live: '●', lost: '▨', forbidden: '⬣' }[phase.value];
  return (
    <p class={`link is-${phase.value}`} data-link={phase.value}>
      <span aria-hidden="true">{shape}</span> {texts[phase.value]}
    </p>
  );
}

function Person() {
  const known = who.value;
  if (!known || known.access === 'open') return null;
  return (
    <p class="person">
      {known.name} <span class="quiet">{known.role ? word('role', known.role) : ''}</span>{' '}
      <button type="button" onClick={leave}>
        {say('sign_out')}
      </button>
    </p>
  );
}

/** Settings of this surface; they touch no channel. */
function Surface() {
  return (
    <div class="surface">
      {locked.value ? (
        <Hold
          name={say('unlock')}
          label={say('unlock')}
          class="lock on"
          disabled={false}
          pending={false}
          act={() => {
            locked.value = false;
          }}
        />
      ) : (
        <button
          type="button"
          class="lock"
          onClick={() => {
            locked.value = true;
          }}
        >
          {say('lock')}
        </button>
      )}
      <button
        type="button"
        aria-label={say(theme.value === 'dark' ? 'to_light' : 'to_dark')}
        onClick={() => {
          theme.value = theme.value === 'dark' ? 'light' : 'dark';
        }}
      >
        <Icon name={theme.value === 'dark' ? 'sun' : 'moon'} />
      </button>
      <select
        aria-label={say('language')}
        value={language.value}
        onChange={(event) => speak(event.currentTarget.value as Language)}
      >
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
      <button
        type="button"
        aria-label={say('keys')}
        onClick={() => {
          sheet.value = true;
        }}
      >
        F1
      </button>
    </div>
  );
}

/** A part of a page with its heading. */
export function Section({ title, children, id }: { title: string; children: ComponentChildren; id: string }) {
  return (
    <section class="part" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

/** Names and values. */
export function Facts({ rows }: { rows: [string, string][] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
