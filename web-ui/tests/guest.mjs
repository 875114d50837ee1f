// The guest's page in a real browser with a camera and a microphone made up by it, against a channel on air:
// UPLINK_API, UPLINK_LINK (as `uplinkctl guest-link` prints it), UPLINK_CHANNEL, UPLINK_SOURCE.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const { UPLINK_API: api, UPLINK_LINK: link, UPLINK_CHANNEL: channel, UPLINK_SOURCE: source } = process.env;
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--no-first-run',
  '--disable-background-networking',
];

/** @type {import('playwright-core').BrowserServer[]} */
const browsers = [];
after(() => Promise.all(browsers.map((browser) => browser.kill().catch(() => {}))));

async function guest(address = link, prepare = () => {}) {
  const server = await chromium.launchServer({
    executablePath: process.env.UPLINK_CHROMIUM || '/usr/bin/chromium',
    args: FLAGS,
  });
  const browser = await chromium.connect(server.wsEndpoint());
  browsers.push(server);
  const page = await browser.newPage();
  const foreign = [];
  page.on('request', (request) => !request.url().startsWith(api) && foreign.push(request.url()));
  page.on('console', (message) => message.type() === 'error' && console.log(`# page: ${message.text()}`));
  await page.addInitScript(prepare);
  await page.goto(address);
  return { page, foreign, kill: () => server.process().kill('SIGKILL') };
}

async function status() {
  const all = await (await fetch(`${api}/api/v1/channels/${channel}`)).json();
  if (!all.report) return { showing: {}, state: 'gone', health: {} };
  return {
    pid: all.worker?.pid,
    showing: all.report.program.showing,
    peak: Math.max(...all.report.program.peak_dbfs),
    missed: all.report.program.missed,
    ...all.report.sources.find((one) => one.id === source),
  };
}

async function until(what, good, limit = 40000) {
  const end = performance.now() + limit;
  let seen;
  while (performance.now() < end) {
    seen = await status();
    if (good(seen)) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${what}: ${JSON.stringify(seen)}`);
}

const word = (page, text) => page.locator('#word', { hasText: text }).waitFor({ timeout: 40000 });
const shown = (seen) => seen.showing.source === source;

let first;
before(async () => {
  const seen = await status();
  assert.equal(seen.state, 'connecting');
  assert.match(seen.health.reason, /waiting for a guest/);
  first = await guest();
});

test('a link without its key says so', async () => {
  const { page } = await guest(link.split('#')[0]);
  await page.getByText('its key is missing').waitFor();
  assert.equal(await page.locator('#join').isEnabled(), false);
});

test('a wrong key is refused for good', async () => {
  const { page } = await guest(`${link}x`);
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByText('not valid any more').waitFor();
  assert.equal((await status()).state, 'connecting');
});

test('a guest joins: picture and sound are in the program', async () => {
  const from = performance.now();
  await first.page.getByRole('button', { name: 'Join' }).click();
  await word(first.page, 'Connected to the studio');
  const seen = await until('the guest is shown', shown);
  console.log(`# joined to shown: ${Math.round(performance.now() - from)} ms`);
  await until('its sound is heard', (now) => now.peak > -40);
  assert.match(seen.sound, /48000 Hz/);
  assert.deepEqual(first.foreign, [], 'nothing is fetched from elsewhere');
});

const shot = async (name) =>
  process.env.UPLINK_SHOTS && (await first.page.screenshot({ path: `${process.env.UPLINK_SHOTS}/guest-${name}.png` }));

test('what is delivered is the guest', async () => {
  const playlist = process.env.UPLINK_PLAYLIST;
  const ffmpeg = (...what) =>
    execFileSync(
      'timeout',
      ['20', 'ffmpeg', '-nostdin', '-hide_banner', '-live_start_index', '-2', '-i', playlist, ...what],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        maxBuffer: 1 << 26,
      },
    );
  const end = performance.now() + 40000;
  for (;;) {
    // The browser's camera is green with a black pie; the test picture behind it in rank is not.
    const [red, green, blue] = ffmpeg('-frames:v', '1', '-vf', 'scale=1:1', '-pix_fmt', 'rgb24', '-f', 'rawvideo', '-');
    const samples = ffmpeg('-t', '2', '-vn', '-ac', '1', '-f', 's16le', '-');
    let peak = 0;
    for (let n = 0; n + 1 < samples.length; n += 2) peak = Math.max(peak, Math.abs(samples.readInt16LE(n)));
    console.log(`# delivered: mean colour ${red} ${green} ${blue}, peak of 2 s of sound ${peak}`);
    if (green > red + 40 && green > blue + 40 && peak > 1000) return shot('joined');
    assert.ok(performance.now() < end, 'the delivered picture and sound are not the guest');
  }
});

test('a second guest waits while the first one is there', async () => {
  const second = await guest();
  await second.page.getByRole('button', { name: 'Join' }).click();
  await second.page.getByText('Somebody else is connected').waitFor();
  assert.ok(shown(await status()), 'the first one stays');
  await second.page.close();
});

test('camera off is black, not a loss; microphone off is silence', async () => {
  await first.page.getByRole('button', { name: 'Mute microphone' }).click();
  await first.page.getByRole('button', { name: 'Switch camera off' }).click();
  await until('silence', (seen) => seen.peak < -80);
  const before = (await status()).connects;
  // Shorter than what makes a black picture a reason to leave it.
  const end = performance.now() + 1500;
  while (performance.now() < end) {
    assert.ok(shown(await status()));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await first.page.getByRole('button', { name: 'Unmute microphone' }).click();
  await first.page.getByRole('button', { name: 'Switch camera on' }).click();
  const seen = await until('sound again', (seen) => shown(seen) && seen.peak > -40);
  assert.equal(seen.connects, before, 'it was one connection throughout');
});

test('a guest leaves: the program goes on with the next source at once', async () => {
  await until('a guest with a good picture', (seen) => shown(seen) && seen.health.health === 'healthy');
  await first.page.getByRole('button', { name: 'Leave' }).click();
  const from = performance.now();
  const seen = await until('the next source', (seen) => !shown(seen));
  console.log(`# left to next source: ${Math.round(performance.now() - from)} ms`);
  assert.match(seen.health.reason, /the guest left/);
  await word(first.page, 'Not connected');
});

for (const [what, prepare, good] of [
  [
    'a browser that sends H.264',
    () => {
      const plain = RTCPeerConnection.prototype.addTransceiver;
      RTCPeerConnection.prototype.addTransceiver = function (track, init) {
        const transceiver = plain.call(this, track, init);
        if (track.kind === 'video') {
          const { codecs } = RTCRtpSender.getCapabilities('video');
          transceiver.setCodecPreferences(codecs.filter((codec) => /H264|rtx/i.test(codec.mimeType)));
        }
        return transceiver;
      };
    },
    (seen) => shown(seen) && seen.picture && seen.peak > -40,
  ],
  [
    'a guest without a camera is heard',
    () => {
      const plain = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = ({ audio, video }) =>
        video ? Promise.reject(new DOMException('none', 'NotFoundError')) : plain({ audio });
    },
    (seen) => shown(seen) && !seen.picture && seen.peak > -40,
  ],
  [
    'a guest without a microphone is seen',
    () => {
      const plain = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = ({ audio, video }) =>
        audio ? Promise.reject(new DOMException('none', 'NotFoundError')) : plain({ video });
    },
    (seen) => shown(seen) && seen.picture && seen.peak < -80,
  ],
])
  test(what, async () => {
    const { page, kill } = await guest(link, prepare);
    await page.getByRole('button', { name: 'Join' }).click();
    const seen = await until(what, good);
    console.log(`# ${what}: ${seen.picture}, ${seen.sound}, ${seen.frames} frames, peak ${seen.peak}`);
    assert.equal(seen.missed, 0, 'no frame of the program is missing');
    // Longer than the page waits for a word of the studio, of sound and picture alike.
    const end = performance.now() + 9000;
    while (performance.now() < end) {
      assert.equal((await status()).connects, seen.connects, 'one connection, that stays');
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    await page.getByRole('button', { name: 'Leave' }).click();
    await until('the next source', (seen) => !shown(seen));
    kill();
  });

test('a browser that is killed is a lost source, and comes back', async () => {
  await first.page.getByRole('button', { name: 'Join' }).click();
  await until('the guest is shown', shown);
  first.kill();
  const from = performance.now();
  await until('the next source', (seen) => !shown(seen));
  console.log(`# killed to next source: ${Math.round(performance.now() - from)} ms`);
  first = await guest();
  await first.page.getByRole('button', { name: 'Join' }).click();
  await until('the guest is shown again', shown);
});

test('a worker that is killed is found again by the page alone', async () => {
  const all = await (await fetch(`${api}/api/v1/channels/${channel}`)).json();
  process.kill(all.worker.pid, 'SIGKILL');
  const from = performance.now();
  await until('the guest is shown by another worker', (seen) => shown(seen) && seen.pid !== all.worker.pid, 60000);
  await word(first.page, 'Connected to the studio');
  console.log(`# worker killed to guest shown: ${Math.round(performance.now() - from)} ms`);
});
