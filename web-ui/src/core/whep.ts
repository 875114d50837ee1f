// One WHEP session: the browser offers, the daemon answers, media come from the channel's worker.

import type { Problem } from '../api';
import { met } from './troubles';

const GIVE_UP_MS = 12_000;

export interface Look {
  /** Pictures decoded so far. */
  frames: number;
  /** The time of the picture that is shown, as the browser says it. */
  shown: number | undefined;
}

export interface Session {
  stream: MediaStream;
  look(): Promise<Look>;
  close(): void;
}

/** A session, or why there is none. */
export async function open(channel: string): Promise<Session | Problem> {
  const path = `/api/v1/channels/${encodeURIComponent(channel)}/whep`;
  const peer = new RTCPeerConnection();
  const stream = new MediaStream();
  peer.addEventListener('track', (event) => stream.addTrack(event.track));
  for (const kind of ['video', 'audio']) peer.addTransceiver(kind, { direction: 'recvonly' });
  try {
    const offer = await peer.createOffer();
    // Browsers hear one channel of two unless they ask for both.
    const sdp = (offer.sdp ?? '').replace('useinbandfec=1', 'useinbandfec=1;stereo=1');
    await peer.setLocalDescription({ type: 'offer', sdp });
    // Its own addresses are not waited for: the box learns them when the browser comes.
    const headers = { 'content-type': 'application/sdp' };
    const answer = await fetch(path, { method: 'POST', headers, body: sdp, signal: AbortSignal.timeout(GIVE_UP_MS) });
    if (answer.status !== 201) throw (await answer.json()) as Problem;
    const at = answer.headers.get('location');
    const end = () => {
      peer.close();
      // Also from a page that is left.
      if (at) void fetch(at, { method: 'DELETE', keepalive: true }).catch(() => {});
    };
    try {
      await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
    } catch (error) {
      end();
      throw error;
    }
    return { stream, look: () => look(peer), close: end };
  } catch (error) {
    peer.close();
    const problem = asProblem(error);
    met('POST', path, problem);
    return problem;
  }
}

function asProblem(error: unknown): Problem {
  if (error && typeof error === 'object' && 'code' in error && 'detail' in error) return error as Problem;
  const detail = error instanceof Error ? error.message : String(error);
  return { title: 'No live picture', detail, code: 'no_answer', status: 0 };
}

async function look(peer: RTCPeerConnection): Promise<Look> {
  const seen: Look = { frames: 0, shown: undefined };
  for (const report of (await peer.getStats()).values()) {
    if (report.type !== 'inbound-rtp' || report.kind !== 'video') continue;
    seen.frames = report.framesDecoded ?? 0;
    seen.shown = report.estimatedPlayoutTimestamp;
  }
  return seen;
}
