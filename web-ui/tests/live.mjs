// A live channel for tests: ffmpeg encodes a moving picture and a tone, this pushes it to an origin as a worker would
// (segments, then the playlists that name them), and keeps trying while the origin is away.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const RENDITIONS = ['video-180p', 'video-90p', 'audio'];
const INIT = 'init-00c0ffee.mp4';

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

export class LiveChannel {
  /** @param {string} base @param {string} channel @param {string} token */
  constructor(base, channel, token) {
    Object.assign(this, { base, channel, token, pushed: new Set(), stopped: false, refused: [] });
  }

  async start() {
    this.dir = await mkdtemp(join(tmpdir(), 'uplink-live-'));
    await Promise.all(RENDITIONS.map((name) => mkdir(join(this.dir, name))));
    this.ffmpeg = spawn('ffmpeg', encoder(this.dir), { stdio: ['ignore', 'inherit', 'inherit'] });
    this.pushing = this.push();
  }

  /** Stops the encoder; what is at the origin stays. */
  async stop() {
    this.stopped = true;
    this.ffmpeg?.kill('SIGKILL');
    await this.pushing;
    await rm(this.dir, { recursive: true, force: true });
  }

  async push() {
    while (!this.stopped) {
      await this.round().catch(() => {});
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  async round() {
    for (const name of RENDITIONS) await this.rendition(name);
    const text = await readFile(join(this.dir, 'multivariant.m3u8'), 'utf8');
    // ffmpeg writes it into the first rendition's parent, with paths that are right there.
    await this.putIfNew('multivariant.m3u8', text);
  }

  /** The playlist is read first: the segments that it names are then complete. */
  async rendition(name) {
    const playlist = await readFile(join(this.dir, name, 'media.m3u8'), 'utf8').catch(() => '');
    const init = /EXT-X-MAP:URI="([^"]+)"/.exec(playlist)?.[1];
    if (!init) return;
    await this.once(`${name}/${INIT}`, join(this.dir, name, init));
    for (const segment of playlist.match(/^\d+\.m4s$/gm) ?? []) {
      await this.once(`${name}/${segment}`, join(this.dir, name, segment));
    }
    await this.putIfNew(`${name}/media.m3u8`, playlist.replace(init, INIT));
  }

  async once(path, file) {
    if (this.pushed.has(path)) return;
    await this.put(path, await readFile(file));
    this.pushed.add(path);
  }

  async putIfNew(path, text) {
    if (this.pushed.has(path + text)) return;
    await this.put(path, text);
    this.pushed.add(path + text);
  }

  async put(path, body) {
    const answer = await fetch(`${this.base}/live/${this.channel}/${path}`, {
      method: 'PUT',
      body,
      headers: { authorization: `Bearer ${this.token}` },
      signal: AbortSignal.timeout(2000),
    });
    const text = await answer.text();
    if (!answer.ok) {
      this.refused.push(`${path}: ${text}`);
      throw new Error(text);
    }
  }

  /** Files of the encoder, for a look when a test fails. */
  async files() {
    return (await readdir(this.dir, { recursive: true })).sort();
  }
}
