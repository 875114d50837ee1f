// How soon the panel knows: from the press of TAKE to `confirmed` on the screen, and from the moment at which nothing is heard
// any more to LAST KNOWN, and back. Prints one JSON document; asserts nothing.
//   node tests/presses.mjs [TAKES]     with a real daemon and one channel of two sources:
//   UPLINK_PANEL_URL, UPLINK_PANEL_PID  and who starts it, which is asked for another daemon by the line `restart`
import { chromium } from 'playwright-core';
import { wire } from './wire.mjs';

const url = process.env.UPLINK_PANEL_URL;
const pid = Number(process.env.UPLINK_PANEL_PID);
const many = Number(process.argv[2] ?? 100);

const browser = await chromium.launch({
  executablePath: process.env.UPLINK_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const line = await wire(url);

async function open(at) {
  const page = await browser.newPage({ viewport: { width: 1366, height: 900 }, locale: 'en-GB' });
  page.setDefaultTimeout(60_000);
  await page.goto(at);
  await page.locator('.tile .picture img').waitFor();
  return page;
}

/** In the page: until the frame in which it says that the take is confirmed. */
function watchTakes() {
  globalThis.takes = [];
  let pressed = null;
  const isTake = (event) => event.target instanceof Element && event.target.closest('.verbs .take') !== null;
  const press = (event) => {
    if (isTake(event)) pressed = event.timeStamp;
  };
  addEventListener('click', press, true);
  const look = () => {
    const said = document.querySelector('.tile .message');
    if (pressed === null || said?.dataset.phase !== 'confirmed' || !said.textContent.includes('Take')) return;
    const from = pressed;
    pressed = null;
    const { port1, port2 } = new MessageChannel();
    // Behind the frame that shows it.
    port1.onmessage = () => globalThis.takes.push(performance.now() - from);
    requestAnimationFrame(() => port2.postMessage(0));
  };
  const all = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(look).observe(document.body, all);
}

async function takes() {
  const page = await open(url);
  await page.evaluate(watchTakes);
  for (let done = 0; done < many; ) {
    const other = page.locator('.bus button[data-place^="source-"]:not(.air)').first();
    const place = await other.getAttribute('data-place');
    await other.click();
    await page.locator(`.bus button.next[data-place="${place}"]`).waitFor();
    // Sooner, it would be the press that chose.
    await page.waitForTimeout(400 + Math.random() * 300);
    await page.locator('.verbs .take').click();
    await page
      .waitForFunction((so) => globalThis.takes.length > so, done, { timeout: 15_000 })
      .then(() => {
        done += 1;
      })
      .catch(() => {});
  }
  const found = await page.evaluate(() => globalThis.takes);
  await page.close();
  return found;
}

/** Seconds from the fault to LAST KNOWN, and from its end to controls that can be pressed. */
async function silence(at, begin, end) {
  const page = await open(at);
  await page.locator('.verbs button.slate:enabled').waitFor();
  const band = page.locator('[data-band="lost"]');
  const seconds = async (act, done) => {
    const from = performance.now();
    await act(page);
    await done();
    return (performance.now() - from) / 1000;
  };
  const lost = await seconds(begin, () => band.waitFor());
  const pressable = await page.locator('.tile button:enabled:visible').count();
  await page.waitForTimeout(2000);
  const back = await seconds(end, async () => {
    await band.waitFor({ state: 'hidden' });
    await page.locator('.verbs button.slate:enabled').waitFor();
  });
  await page.close();
  return { lost, back, pressable };
}

const signal = (name) => async () => process.kill(pid, name);
const report = { takes_ms: await takes() };
report.silences = {
  stopped: await silence(url, signal('SIGSTOP'), signal('SIGCONT')),
  cut: await silence(line.url, line.cut, line.mend),
  offline: await silence(
    line.url,
    async (page) => {
      await page.context().setOffline(true);
      line.tear();
    },
    (page) => page.context().setOffline(false),
  ),
  killed: await silence(url, signal('SIGKILL'), async () => console.log('restart')),
};
console.log(JSON.stringify(report));
await browser.close();
line.close();
