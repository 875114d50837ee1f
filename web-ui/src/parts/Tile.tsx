// One channel on the desk. The frame is the tally; the picture with its meters; now and next; parts; verbs.

import type { ChannelStatus } from '../api';
import { type Part, parts, reach, recordings, tally } from '../core/channel';
import { counter, duration } from '../core/format';
import { address } from '../core/route';
import { since, tick } from '../core/store';
import { chosen } from '../core/surface';
import { programOrder, showing } from '../words/program';
import { say, word } from '../words/say';
import { ArmedStrip } from './Armed';
import { Bus, Verbs } from './Desk';
import { Chip, Reason } from './Health';
import { Live } from './Live';
import { LoudnessBar } from './LoudnessBar';
import { Message } from './Message';
import { Bars, Figures } from './Meters';
import { Picture } from './Picture';

export function Tally({ channel }: { channel: ChannelStatus }) {
  return <p class="tally">{word('tally', tally(channel))}</p>;
}

/** Time on air; of one that should be and is not, how long it has been missing. */
export function Elapsed({ channel }: { channel: ChannelStatus }) {
  tick.value;
  if (channel.on_air && channel.on_air_since) return <p class="elapsed">{counter(since(channel.on_air_since))}</p>;
  if (tally(channel) !== 'missing') return <p class="elapsed" />;
  return <p class="elapsed">{say('for_so_long', { time: duration(since(channel.health.since)) })}</p>;
}

export function Recording({ channel }: { channel: ChannelStatus }) {
  tick.value;
  const all = recordings(channel);
  if (all.length === 0) return null;
  const running = all.filter((one) => one.recording?.running);
  const began = running[0]?.recording?.began;
  const bad = all.find((one) => one.health.health === 'partially_healthy' || one.health.health === 'unhealthy');
  const text = running.length ? `● REC ${began ? counter(since(began)) : ''}` : `○ ${say('not_recording')}`;
  return (
    <span
      class={`rec ${running.length ? 'runs' : ''} ${bad ? `is-${bad.health.health}` : ''}`}
      title={bad?.health.reason}
    >
      {text}
      {bad ? ` ${bad.health.health === 'unhealthy' ? '⬣' : '▲'}` : ''}
    </span>
  );
}

function chip(channel: ChannelStatus, part: Part) {
  const { good, all } = reach(channel);
  const extra = part.part === 'destinations' ? `${good}/${all}` : undefined;
  return (
    <Chip key={part.part} health={part.health} label={word('part', part.part)} extra={extra} title={part.reason} />
  );
}

export function Program({ channel }: { channel: ChannelStatus }) {
  const program = channel.report?.program;
  if (!program) return <p class="program quiet">{say('no_program')}</p>;
  const next = program.preview;
  const coming = program.scheduled?.[0];
  return (
    <dl class="program">
      <div class={channel.on_air ? 'air' : ''}>
        <dt>{say('now')}</dt>
        <dd>{showing(program.showing)}</dd>
      </div>
      <div class={next ? 'next' : ''}>
        <dt>{say('next')}</dt>
        <dd>
          {next ? programOrder(next) : '–'}
          {coming ? (
            <span class="quiet">
              {' '}
              · {say('coming', { at: coming.at.slice(11, 19), what: programOrder(coming.order) })}
            </span>
          ) : (
            ''
          )}
        </dd>
      </div>
    </dl>
  );
}

/** The picture of what leaves, with its sound, under whatever is to be confirmed. */
export function Stage({ channel }: { channel: ChannelStatus }) {
  const program = channel.report?.program;
  const [mix] = program?.loudness ?? [];
  const target = channel.loudness_target ?? null;
  return (
    <div class="stage">
      <div class="screen">
        <Picture
          path={`/api/v1/channels/${channel.id}/confidence.jpg`}
          alt={say('picture_of', { channel: channel.title })}
          wanted={channel.worker !== null}
          idle={say('picture_off')}
        />
        <Live channel={channel} />
      </div>
      {program ? (
        <div class="sound">
          <Bars
            channel={channel.id}
            channels={program.peak_dbfs.length}
            title={say('meters_of', { channel: channel.title })}
          />
          {target ? <LoudnessBar channel={channel.title} mix={mix} target={target} /> : null}
          <Figures mix={mix} states={program.sound_states ?? []} target={target} />
        </div>
      ) : null}
      <ArmedStrip channel={channel} />
    </div>
  );
}

export function Tile({ channel }: { channel: ChannelStatus }) {
  const title = `title-${channel.id}`;
  return (
    <section
      class={`tile tally-${tally(channel)} ${chosen.value === channel.id ? 'chosen' : ''}`}
      aria-labelledby={title}
      data-channel={channel.id}
      tabIndex={-1}
      onFocusCapture={() => {
        chosen.value = channel.id;
      }}
      onPointerDownCapture={() => {
        chosen.value = channel.id;
      }}
    >
      <header>
        <h2 id={title}>
          <a href={address({ page: 'channel', channel: channel.id })}>{channel.title}</a>
        </h2>
        <Elapsed channel={channel} />
        <Tally channel={channel} />
      </header>
      <Stage channel={channel} />
      <Program channel={channel} />
      <div class="chips">
        {parts(channel).map((part) => chip(channel, part))}
        <Recording channel={channel} />
      </div>
      <Reason report={channel.health} />
      <div class="desk">
        <Bus channel={channel} />
        <Verbs channel={channel} />
        <Message channel={channel.id} />
      </div>
    </section>
  );
}
