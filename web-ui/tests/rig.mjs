// What the tests of both pages stand on: a real browser against a running daemon (or the stage of src/api/tests/stage.rs).
//   UPLINK_PANEL_URL      the daemon, http://127.0.0.1:8080
//   UPLINK_PANEL_PID      its process, which is frozen and woken; without it that test is skipped
//   UPLINK_PANEL_COMMAND  how to start it again after a kill (JSON list of program and arguments); may be skipped, too
//   UPLINK_PANEL_CHANNEL  a channel on air that may be stopped and started, default demo
//   UPLINK_CHROMIUM       the browser, default /usr/bin/chromium
//   UPLINK_PANEL_SHOTS    a directory for pictures of the page
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

export const url = process.env.UPLINK_PANEL_URL ?? 'http://127.0.0.1:8080';
export const pid = Number(process.env.UPLINK_PANEL_PID ?? 0);
export const channel = process.env.UPLINK_PANEL_CHANNEL ?? 'demo';
const command = JSON.parse(process.env.UPLINK_PANEL_COMMAND ?? 'null');
const shots = process.env.UPLINK_PANEL_SHOTS;
/** For tests that freeze the daemon, and for those that kill it. */
export const freezes = { skip: !pid && 'no UPLINK_PANEL_PID' };
export const kills = { skip: !(pid && command) && 'no UPLINK_PANEL_PID or no UPLINK_PANEL_COMMAND' };

/** Longest wait for anything, milliseconds. */
const PATIENCE = 30_000;
const foreign = [];
const faults = [];
/** Addresses of what was posted, below that of the channels. */
export const orders = [];
export let browser;
export let page;
let again;

/** Opens the page before the tests of a file, and closes it after them. */
export function open(path, viewport, full) {
  before(async () => {
    browser = await chromium.launch({
      executablePath: process.env.UPLINK_CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu'],
    });
    page = await browser.newPage({ viewport, reducedMotion: 'reduce', locale: 'en-GB' });
    page.setDefaultTimeout(PATIENCE);
    page.on('request', (request) => {
      const to = new URL(request.url());
      if (!['data:', 'blob:'].includes(to.protocol) && to.origin !== new URL(url).origin) foreign.push(request.url());
      if (request.method() === 'POST') orders.push(to.pathname.replace('/api/v1/channels/', ''));
    });
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy|Uncaught/.test(message.text())) faults.push(message.text());
    });
    await page.goto(`${url}${path}`);
  });
  after(async () => {
    await browser?.close();
    again?.kill('SIGKILL');
  });
  return async (name) => {
    if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: full });
  };
}

/** Another daemon in place of the one that is there or was killed; returns when it answers. */
export async function startAgain() {
  const old = again?.pid ?? pid;
  try {
    process.kill(old, 'SIGKILL');
  } catch {
    // It is gone already.
  }
  const answers = async () => (await fetch(`${url}/healthz`).catch(() => null))?.ok === true;
  await until(async () => !(await answers()), Boolean, 'the old daemon is gone');
  again = spawn(command[0], command.slice(1), { stdio: ['pipe', 'ignore', 'ignore'] });
  await until(answers, Boolean, 'the new daemon answers');
}

/** Waits until `read` gives what `good` likes. */
export async function until(read, good, what) {
  const end = Date.now() + PATIENCE;
  let seen;
  while (Date.now() < end) {
    seen = await read();
    if (good(seen)) return seen;
    await page.waitForTimeout(50);
  }
  throw new Error(`${what}: saw ${JSON.stringify(seen)}`);
}

/** Waits until what is shown there is as `wanted`. */
export const reads = (locator, wanted, what) =>
  until(
    () => locator.textContent(),
    (seen) => wanted.test(seen),
    what,
  );

/** The last test of a file. */
export function closes() {
  test('asked nobody else, and broke nothing', () => {
    assert.deepEqual(foreign, []);
    assert.deepEqual(faults, []);
  });
}
