// The guest's page: camera and microphone, a look into the mirror, and whether the studio receives it.
import { Session } from './session.js';
import { mediaFault, place } from './words.js';

const WORDS = {
  idle: 'Not connected',
  connecting: 'Connecting',
  sending: 'Connected to the studio',
  waiting: 'Not connected',
  stopped: 'Not connected',
};
const ADVICE = {
  sending: 'The studio receives your picture and sound. Whether you are on air the studio will tell you.',
};

const by = (id) => document.getElementById(id);
const { channel, source, key } = place(location.pathname, location.hash);
const endpoint = new URL(`../../whip/${encodeURIComponent(channel)}/${encodeURIComponent(source)}`, location.href);
const session = new Session(endpoint.href, key, tell);
let stream = null;
let meter = null;

function tell(state, text) {
  by('state').className = `state-${state}`;
  by('word').textContent = WORDS[state];
  by('advice').textContent = text || ADVICE[state] || '';
  const joined = state !== 'idle' && state !== 'stopped';
  by('join').hidden = joined;
  for (const id of ['mute', 'blank', 'leave', 'level', 'devices']) by(id).hidden = !joined;
  by('hint').hidden = joined;
  if (state === 'stopped') release();
}

async function join() {
  by('join').disabled = true;
  try {
    stream = await open();
  } catch (fault) {
    by('advice').textContent = mediaFault(fault.name, window.isSecureContext);
    return;
  } finally {
    by('join').disabled = false;
  }
  by('preview').srcObject = stream;
  by('preview')
    .play()
    .catch(() => {});
  applyMutes();
  listen();
  await listDevices();
  session.start(stream);
  by('mute').focus();
}

/** Camera and microphone; one alone if there is no other. */
async function open() {
  if (!navigator.mediaDevices) throw new DOMException('insecure', 'SecurityError');
  const chosen = (id) => (by(id).value ? { deviceId: { exact: by(id).value } } : {});
  const video = { ...chosen('camera'), width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
  const audio = { ...chosen('microphone'), echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio });
  } catch (fault) {
    if (fault.name !== 'NotFoundError') throw fault;
    return await navigator.mediaDevices
      .getUserMedia({ audio })
      .catch(() => navigator.mediaDevices.getUserMedia({ video }));
  }
}

function release() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  by('preview').srcObject = null;
  meter?.close();
  meter = null;
}

function leave() {
  session.stop();
  release();
  tell('idle', '');
  by('join').focus();
}

const pressed = (id) => by(id).classList.contains('on');

function applyMutes() {
  for (const track of stream?.getAudioTracks() ?? []) track.enabled = !pressed('mute');
  for (const track of stream?.getVideoTracks() ?? []) track.enabled = !pressed('blank');
  by('preview').classList.toggle('blank', pressed('blank'));
}

function toggle(id, off, on) {
  const now = by(id).classList.toggle('on');
  by(id).textContent = now ? on : off;
  applyMutes();
}

async function listDevices() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  for (const [id, kind] of [
    ['camera', 'videoinput'],
    ['microphone', 'audioinput'],
  ]) {
    const current = stream
      .getTracks()
      .find((track) => kind.startsWith(track.kind))
      ?.getSettings().deviceId;
    const options = devices
      .filter((device) => device.kind === kind)
      .map(
        (device, n) =>
          new Option(device.label || `${id} ${n + 1}`, device.deviceId, false, device.deviceId === current),
      );
    by(id).replaceChildren(...options);
  }
}

/** Another camera or microphone, without leaving. */
async function change() {
  let other;
  try {
    other = await open();
  } catch (fault) {
    by('advice').textContent = mediaFault(fault.name, window.isSecureContext);
    return;
  }
  for (const track of other.getTracks()) {
    const old = stream.getTracks().find((candidate) => candidate.kind === track.kind);
    if (old) {
      stream.removeTrack(old);
      old.stop();
    }
    stream.addTrack(track);
    await session.replace(track);
  }
  applyMutes();
  listen();
}

/** Shows the microphone's level: a guest sees at once that it is the wrong one. */
function listen() {
  meter?.close();
  meter = null;
  if (!stream.getAudioTracks().length) return;
  const context = new AudioContext();
  meter = context;
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const draw = () => {
    if (meter !== context) return;
    analyser.getFloatTimeDomainData(samples);
    const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    // −60 dBFS is the left end.
    const level = Math.max(0, 1 + (20 * Math.log10(peak + 1e-6)) / 60);
    by('bar').style.transform = `scaleX(${Math.min(1, level).toFixed(3)})`;
    requestAnimationFrame(draw);
  };
  draw();
}

by('join').addEventListener('click', join);
by('leave').addEventListener('click', leave);
by('mute').addEventListener('click', () => toggle('mute', 'Mute microphone', 'Unmute microphone (muted now)'));
by('blank').addEventListener('click', () => toggle('blank', 'Switch camera off', 'Switch camera on (off now)'));
by('camera').addEventListener('change', change);
by('microphone').addEventListener('change', change);
window.addEventListener('pagehide', () => session.stop());
if (!key) {
  by('join').disabled = true;
  tell('stopped', 'This link is not complete: its key is missing. Open it exactly as the studio sent it.');
}
