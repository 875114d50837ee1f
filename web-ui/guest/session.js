// One guest's connection to the studio: publishes by WHIP (RFC 9725), and comes back by itself.
import { pause, refusal } from './words.js';

/** A connection that stays away for so long is begun anew, milliseconds. */
const PATIENCE = 2000;
/** After so long it counts as good, and the next failure is the first again. */
const HEALTHY = 20000;
/** The studio tells several times a second which packets of the picture it received; of sound alone, and to the
 * browser's own question whether it is there, it speaks every few seconds. A silence of this length is its end; the
 * browser itself takes longer to notice. */
const SILENCE = { picture: 2500, sound: 8000 };
const LOOK = 500;
/** Longest wait for this computer's addresses, and for an answer. */
const GATHER = 1500;
const ANSWER = 12000;

export class Session {
  #endpoint;
  #key;
  #tell;
  #stream = null;
  #pc = null;
  #resource = null;
  #attempts = 0;
  #timer = 0;
  #since = 0;

  /** `tell(state, text)`: connecting, sending, waiting or stopped. */
  constructor(endpoint, key, tell) {
    this.#endpoint = endpoint;
    this.#key = key;
    this.#tell = tell;
  }

  start(stream) {
    this.#stream = stream;
    this.#attempts = 0;
    this.#connect();
  }

  /** Sends this track in place of the one of its kind; nothing is interrupted. */
  async replace(track) {
    const sender = this.#pc?.getSenders().find((sender) => sender.track?.kind === track.kind);
    await sender?.replaceTrack(track);
  }

  /** Ends for good. The studio is told, also when the page is being closed. */
  stop() {
    this.#stream = null;
    clearTimeout(this.#timer);
    this.#drop();
  }

  async #connect() {
    this.#tell('connecting', '');
    const pc = new RTCPeerConnection();
    this.#pc = pc;
    for (const track of this.#stream.getTracks()) {
      pc.addTransceiver(track, { direction: 'sendonly', streams: [this.#stream] });
    }
    pc.addEventListener('connectionstatechange', () => this.#onState(pc));
    try {
      await pc.setLocalDescription();
      await gathered(pc);
      if (this.#pc !== pc) return;
      const response = await fetch(this.#endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/sdp', authorization: `Bearer ${this.#key}` },
        body: pc.localDescription.sdp,
        signal: AbortSignal.timeout(ANSWER),
      });
      if (response.status !== 201) {
        const problem = await response.json().catch(() => ({}));
        return this.#refused(pc, refusal(response.status, problem.code));
      }
      const resource = new URL(response.headers.get('location'), response.url).href;
      const sdp = await response.text();
      if (this.#pc !== pc) return this.#leave(resource);
      this.#resource = resource;
      await pc.setRemoteDescription({ type: 'answer', sdp });
      this.#again(pc, 15000, 'The connection could not be made. Trying again …');
    } catch {
      this.#refused(pc, refusal(0, ''));
    }
  }

  #onState(pc) {
    if (this.#pc !== pc) return;
    switch (pc.connectionState) {
      case 'connected':
        clearTimeout(this.#timer);
        this.#since = performance.now();
        this.#watch(pc);
        return this.#tell('sending', '');
      case 'disconnected':
        this.#tell('connecting', '');
        return this.#again(pc, PATIENCE, 'The connection was lost. Trying again …');
      case 'failed':
      case 'closed':
        return this.#retry(pc, 'The connection was lost. Trying again …');
    }
  }

  async #watch(pc) {
    const silence = this.#stream?.getVideoTracks().length ? SILENCE.picture : SILENCE.sound;
    let [received, heard] = [-1, performance.now()];
    while (this.#pc === pc) {
      const now = heardIn([...(await pc.getStats()).values()]);
      if (now !== received) [received, heard] = [now, performance.now()];
      if (performance.now() - heard > silence) return this.#retry(pc, 'The connection was lost. Trying again …');
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  }

  #again(pc, after, text) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#pc === pc && pc.connectionState !== 'connected' && this.#retry(pc, text),
      after,
    );
  }

  #refused(pc, { text, again }) {
    if (this.#pc !== pc || !this.#stream) return;
    if (again) return this.#retry(pc, text);
    this.#drop();
    this.#tell('stopped', text);
  }

  #retry(pc, text) {
    if (this.#pc !== pc || !this.#stream) return;
    if (this.#since && performance.now() - this.#since > HEALTHY) this.#attempts = 0;
    this.#since = 0;
    this.#drop();
    this.#attempts += 1;
    this.#tell('waiting', text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#stream && this.#connect(), pause(this.#attempts, Math.random()));
  }

  #drop() {
    const [pc, resource] = [this.#pc, this.#resource];
    this.#pc = this.#resource = null;
    if (resource) this.#leave(resource);
    pc?.close();
  }

  #leave(resource) {
    const headers = { authorization: `Bearer ${this.#key}` };
    fetch(resource, { method: 'DELETE', headers, keepalive: true }).catch(() => {});
  }
}

/** Waits until this computer's addresses are known, or most of them. */
function gathered(pc) {
  if (pc.iceGatheringState === 'complete') return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, GATHER);
    pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && resolve());
  });
}

/** How much has come from the other side: packets, and answers to the browser's own questions. */
function heardIn(stats) {
  const counted = { transport: 'packetsReceived', 'candidate-pair': 'responsesReceived' };
  return stats.reduce((sum, entry) => sum + (entry[counted[entry.type]] ?? 0), 0);
}
