// An appliance with three channels, as the daemon describes them: well, degraded on slate, off air.

const since = '2026-11-21T10:00:00Z';
const health = (word, code, reason) => ({ health: word, code, reason, since });
const ok = () => health('healthy', 'ok', 'all is well');
const lost = () => health('partially_healthy', 'push_interrupted', 'origin-b does not answer');

const source = (id, kind) => ({
  id,
  kind,
  state: 'delivering',
  health: ok(),
  picture: '1280x720',
  frame_rate: '25',
  sound: '48000 Hz, 2 channels',
  connects: 1,
  frames: 1000,
  late: 0,
});

const destination = (id, report, state) => ({
  id,
  url: 'http://127.0.0.1:8090/live',
  state,
  health: report,
  fault: null,
  bytes_sent: 1,
  bytes_acknowledged: 1,
  position: since,
  queue_segments: 0,
  queue_seconds: 0,
  reconnects: 0,
  last_error: null,
});

function report() {
  return {
    program: {
      order: { show: 'auto' },
      showing: { showing: 'source', source: 'cam-1' },
      since,
      position: since,
      frames: 1000,
      repeated: 0,
      missed: 0,
      peak_dbfs: [-18, -19],
      preview: null,
    },
    sources: [source('cam-1', 'srt'), source('clip', 'file')],
    renditions: [],
    destinations: [destination('origin-a', ok(), 'streaming')],
    spool: { health: ok(), bytes: 1, quota_bytes: 2, lost_segments: 0 },
  };
}

const channel = (id, title, state, well) => ({
  id,
  title,
  stream_class: 'talk-720p30 1.2.0',
  frame_rate: '25',
  order: 'on_air',
  state,
  health: well,
  on_air: true,
  on_air_since: since,
  worker: { pid: 1, since, adopted: false, heartbeat_age_seconds: 0.2 },
  restarts: 0,
  live: { preview: null, destinations: {} },
  report: report(),
  generation: 1,
});

export function appliance() {
  const demo = channel('demo', 'Evening briefing', 'running', ok());
  const slate = channel('studio-b', 'Court 2', 'slate', lost());
  slate.report.program.showing = { showing: 'slate' };
  slate.report.destinations.push(destination('origin-b', lost(), 'interrupted'));
  const off = channel('late-show', 'Late show', 'idle', health('inactive', 'off_air', 'nobody asked for it'));
  Object.assign(off, { order: 'off_air', on_air: false, on_air_since: null, worker: null, report: null });
  return {
    name: 'studio-box',
    version: '0.1.0',
    now: since,
    started_at: since,
    health: lost(),
    config: { path: '/etc/uplink/uplinkd.toml', loaded_at: since, generation: 1, rejected: [] },
    channels: [demo, slate, off],
  };
}

export const channelOf = (id) => appliance().channels.find((one) => one.id === id);
