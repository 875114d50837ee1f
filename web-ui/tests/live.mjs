// A live channel for tests: ffmpeg encodes a moving picture and a tone, this pushes it to an origin as a worker would
// (segments, then the playlists that name them), and keeps trying while the origin is away.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const RENDITIONS = ['video-180p', 'video-90p', 'audio'];
const WINDOW = 12;

/**
 * ffmpeg's arguments: two pictures and a tone as CMAF in `dir`, one-second segments. As in a real channel, numbers and
 * timestamps count from the epoch: a restart uses no name and no time again.
 */
function encoder(dir) {
  const epoch = String(Math.floor(Date.now() / 1000));
  const video = (index, size) =>
    [`-map`, `[v${index}]`, `-s:v:${index}`, size, `-c:v:${index}`, 'libx264', `-b:v:${index}`, '200k'].flat();
  return [
    ['-hide_banner', '-loglevel', 'error', '-nostdin'],
    ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-re', '-f', 'lavfi', '-i', 'sine=frequency=440'],
    ['-filter_complex', '[0:v]split=2[v0][v1]'],
    [...video(0, '320x180'), ...video(1, '160x90'), '-map', '1:a', '-c:a', 'aac', '-b:a', '64k'],
    ['-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25', '-keyint_min', '25'],
    ['-sc_threshold', '0', '-f', 'hls', '-hls_time', '1', '-hls_list_size', '12', '-hls_segment_type', 'fmp4'],
    ['-hls_flags', 'program_date_time+independent_segments+temp_file', '-hls_fmp4_init_filename', 'init.mp4'],
    ['-hls_start_number_source', 'epoch', '-output_ts_offset', epoch],
    ['-var_stream_map', 'v:0,agroup:a,name:video-180p v:1,agroup:a,name:video-90p a:0,agroup:a,default:yes,name:audio'],
    ['-master_pl_name', 'multivariant.m3u8', '-hls_segment_filename', join(dir, '%v', '%d.m4s')],
    [join(dir, '%v', 'media.m3u8')],
  ].flat();
}

/** Segments as ffmpeg's playlist has them, and the name of their initialisation. */
function read(playlist) {
  const init = /EXT-X-MAP:URI="([^"]+)"/.exec(playlist)?.[1] ?? '';
  const each = /#EXTINF:([\d.]+),\n#EXT-X-PROGRAM-DATE-TIME:(\S+)\n(\d+)\.m4s/g;
  const segments = [...playlist.matchAll(each)].map(([, duration, date, number]) => ({
    number: Number(number),
    duration: Number(duration),
    date: Date.parse(date),
  }));
  return { init, segments };
}

/** One rendition: its segments since the start, over all encoders, with a GAP for each number that was not encoded. */
class Rendition {
  constructor(name) {
    Object.assign(this, { name, segments: [], encoder: 0, init: '' });
  }

  /** Adds what is new. The first segment of another encoder follows a seam. */
  add(segment, encoder, gap) {
    const last = this.segments.at(-1);
    if (last && segment.number <= last.number) return false;
    for (let number = last ? last.number + 1 : segment.number; number < segment.number; number += 1) {
      this.segments.push({ number, duration: 1, date: segment.date - (segment.number - number) * 1000, gap: true });
    }
    const seam = last !== undefined && encoder !== this.encoder;
    this.encoder = encoder;
    this.segments.push({ ...segment, init: `init-${String(encoder).padStart(8, '0')}.mp4`, seam, gap });
    return true;
  }

  playlist() {
    const shown = this.segments.slice(-WINDOW);
    const gone = this.segments.slice(0, -WINDOW);
    const lines = ['#EXTM3U', '#EXT-X-VERSION:8', '#EXT-X-TARGETDURATION:1'];
    lines.push(`#EXT-X-MEDIA-SEQUENCE:${shown[0].number}`);
    lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${gone.filter((segment) => segment.seam).length}`);
    let init = '';
    for (const segment of shown) {
      if (segment.seam) lines.push('#EXT-X-DISCONTINUITY');
      if (segment.init && segment.init !== init) lines.push(`#EXT-X-MAP:URI="${segment.init}"`);
      init = segment.init ?? init;
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.date).toISOString()}`);
      if (segment.gap) lines.push('#EXT-X-GAP');
      lines.push(`#EXTINF:${segment.duration.toFixed(3)},`, `${segment.number}.m4s`);
    }
    return `${lines.join('\n')}\n`;
  }
}

export class LiveChannel {
  /** @param {string} base @param {string} channel @param {string} token */
  constructor(base, channel, token) {
    Object.assign(this, { base, channel, token, pushed: new Set(), stopped: false, encoders: 0 });
    this.renditions = RENDITIONS.map((name) => new Rendition(name));
  }

  async start() {
    await this.encode();
    this.pushing = this.push();
  }

  async encode() {
    this.root ??= await mkdtemp(join(tmpdir(), 'uplink-live-'));
    this.encoders += 1;
    this.dir = join(this.root, String(this.encoders));
    await Promise.all(RENDITIONS.map((name) => mkdir(join(this.dir, name), { recursive: true })));
    this.ffmpeg = spawn('ffmpeg', encoder(this.dir), { stdio: ['ignore', 'inherit', 'inherit'] });
  }

  /** The encoder dies and another takes over: a seam, and a hole of as long as it takes. */
  async replaceEncoder() {
    this.ffmpeg.kill('SIGKILL');
    await this.encode();
  }

  /** The next `count` segments never reach the origin: their places in the playlists are gaps. */
  lose(count) {
    const next = this.renditions[0].segments.at(-1).number + 2;
    this.lost = new Set(Array.from({ length: count }, (_, index) => next + index));
  }

  /**
   * From now on the line does not carry the rendition `name`: its segments are gaps, and the multivariant playlist does
   * without it. Without a name it carries everything again.
   */
  leaveOut(name) {
    this.leftOut = name;
  }

  /** The multivariant playlist without what is left out. */
  multivariant(text) {
    if (!this.leftOut) return text;
    const blocks = text.split(/(?=#EXT-X-STREAM-INF)/);
    return blocks.filter((block) => !block.includes(`\n${this.leftOut}/`)).join('');
  }

  /** Stops the encoder; what is at the origin stays. */
  async stop() {
    this.stopped = true;
    this.ffmpeg?.kill('SIGKILL');
    await this.pushing;
    await rm(this.root, { recursive: true, force: true });
  }

  async push() {
    while (!this.stopped) {
      // An origin that is away, and files that are not there yet, are tried again.
      await this.round().catch(() => {});
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  async round() {
    const { dir, encoders } = this;
    for (const rendition of this.renditions) await this.update(rendition, dir, encoders);
    const multivariant = this.multivariant(await readFile(join(dir, 'multivariant.m3u8'), 'utf8'));
    if (multivariant === this.told) return;
    await this.put('multivariant.m3u8', multivariant);
    this.told = multivariant;
  }

  /** The playlist is read first: the segments that it names are then complete. */
  async update(rendition, dir, encoder) {
    const { name } = rendition;
    const { init, segments } = read(await readFile(join(dir, name, 'media.m3u8'), 'utf8'));
    for (const segment of segments) {
      const gap = name === this.leftOut || (this.lost?.has(segment.number) ?? false);
      if (segment.number <= (rendition.segments.at(-1)?.number ?? 0)) continue;
      await this.once(`${name}/init-${String(encoder).padStart(8, '0')}.mp4`, await readFile(join(dir, name, init)));
      if (!gap)
        await this.once(`${name}/${segment.number}.m4s`, await readFile(join(dir, name, `${segment.number}.m4s`)));
      if (rendition.add(segment, encoder, gap)) await this.put(`${name}/media.m3u8`, rendition.playlist());
    }
  }

  async once(path, body) {
    if (this.pushed.has(path)) return;
    await this.put(path, body);
    this.pushed.add(path);
  }

  async put(path, body) {
    const answer = await fetch(`${this.base}/live/${this.channel}/${path}`, {
      method: 'PUT',
      body,
      headers: { authorization: `Bearer ${this.token}` },
      signal: AbortSignal.timeout(2000),
    });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    await answer.arrayBuffer();
  }
}
