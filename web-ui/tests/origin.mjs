// A real origin as a process of its own.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const TOKEN = 'a-token-of-the-browser-test';

/** A port that was free a moment ago. */
async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((done) => server.close(done));
  return port;
}

export class OriginProcess {
  /** @param {string} binary path of uplink-origin */
  static async create(binary) {
    const origin = new OriginProcess();
    origin.binary = binary;
    origin.dir = await mkdtemp(join(tmpdir(), 'uplink-origin-'));
    origin.port = await freePort();
    origin.base = `http://127.0.0.1:${origin.port}`;
    await writeFile(join(origin.dir, 'origin.token'), TOKEN);
    await writeFile(
      join(origin.dir, 'origin.toml'),
      `listen = "127.0.0.1:${origin.port}"\nstate_dir = "state"\n[tokens]\n"*" = { file = "origin.token" }\n`,
    );
    return origin;
  }

  async start() {
    const arguments_ = ['--config', join(this.dir, 'origin.toml')];
    this.process = spawn(this.binary, arguments_, { stdio: ['ignore', 'inherit', 'inherit'] });
    this.ended = new Promise((done) => this.process.once('exit', done));
    for (let tries = 0; tries < 100; tries += 1) {
      const up = await fetch(`${this.base}/healthz`)
        .then((answer) => answer.ok)
        .catch(() => false);
      if (up) return;
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error('the origin did not start within 10 s');
  }

  /** @param {NodeJS.Signals} signal */
  async stop(signal = 'SIGTERM') {
    this.process?.kill(signal);
    await this.ended;
    this.process = undefined;
  }

  async remove() {
    await this.stop('SIGKILL');
    await rm(this.dir, { recursive: true, force: true });
  }
}
