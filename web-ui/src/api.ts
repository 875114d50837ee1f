// What the daemon says: the answers of src/api, as src/model writes them. Times are RFC 3339 in UTC. What an older daemon
// does not say is optional here.

export type Time = string;
export type Health = 'inactive' | 'healthy' | 'partially_healthy' | 'unhealthy';

export interface HealthReport {
  health: Health;
  code: string;
  reason: string;
  since: Time;
}

export interface Scene {
  layout: 'side_by_side' | 'pip';
  corner?: string;
  size_percent?: number;
  sources: [string, string];
}

export type ProgramOrder =
  | { show: 'auto' }
  | { show: 'slate' }
  | { show: 'source'; source: string }
  | { show: 'scene'; scene: Scene };

export type Showing = { showing: 'slate' } | { showing: 'source'; source: string } | { showing: 'scene'; scene: Scene };

export interface Transition {
  kind: 'cut' | 'dissolve';
  duration_ms?: number | null;
}

export interface ScheduledTake {
  id: number;
  order: ProgramOrder;
  transition: Transition;
  at: Time;
}

export interface Loudness {
  channels: number[];
  momentary: number | null;
  short_term: number | null;
  integrated: number | null;
  lra: number | null;
  true_peak: number[];
  since: Time;
  correction_db?: number | null;
  limiter_db?: number | null;
}

export type SoundFault = 'silence' | 'over_level' | 'phase_inverted' | 'channel_missing';

export interface SoundState {
  fault: SoundFault;
  channels: number[];
  active: boolean;
  since: Time;
  count: number;
}

export interface ProgramStatus {
  order: ProgramOrder;
  showing: Showing;
  since: Time;
  position: Time;
  frames: number;
  repeated: number;
  missed: number;
  /** Sample peak of the last second per channel, dBFS. */
  peak_dbfs: number[];
  auto?: string | null;
  preview?: ProgramOrder | null;
  scheduled?: ScheduledTake[];
  dissolving?: boolean;
  loudness?: Loudness[];
  sound_states?: SoundState[];
}

export type InputState = 'absent' | 'no_signal' | 'unstable' | 'locked' | 'mismatch';

export interface InputStatus {
  state: InputState;
  format: string | null;
  reason: string;
  since: Time;
  device: string | null;
}

export type SourceState = 'connecting' | 'delivering' | 'lost' | 'failed';

export interface SourceStatus {
  id: string;
  kind: string;
  state: SourceState;
  health: HealthReport;
  picture: string | null;
  frame_rate: string | null;
  sound: string | null;
  connects: number;
  frames: number;
  late: number;
  signal?: {
    black_since?: Time | null;
    freeze_since?: Time | null;
    silence_since?: Time | null;
    wrong_format_since?: Time | null;
  };
  input?: InputStatus | null;
}

export interface RenditionStatus {
  id: string;
  encoder: string;
  target: number;
  measured: number;
  position: Time | null;
  media_sequence: number | null;
  segments: number;
  dropped_frames: number;
  health: HealthReport;
}

export type DestinationState = 'connecting' | 'streaming' | 'interrupted' | 'failed' | 'disabled';

export type CatchUp = { is: 'even' } | { is: 'takes'; seconds: number } | { is: 'never' } | { is: 'unknown' };

export interface LineStatus {
  measured: number | null;
  needed: number;
  catch_up: CatchUp;
  renditions?: { id: string; carried: 'whole' | 'dropped' | 'returning'; since: Time | null; left_out: number }[];
}

export interface LinkFigures {
  rtt_ms: number | null;
  packets_lost: number | null;
  packets_retransmitted: number | null;
  packets_dropped: number | null;
  callers: number | null;
}

export interface EndpointStatus {
  name: string;
  url: string;
  duty: 'active' | 'restoring' | 'standby';
  state: DestinationState;
  health: HealthReport;
  bytes_acknowledged: number;
  queue_segments: number;
  queue_seconds: number;
  reconnects: number;
  slow?: boolean;
  playable?: boolean;
  last_error: string | null;
  line?: LineStatus | null;
  link?: LinkFigures | null;
}

export interface DrillReport {
  at: Time;
  endpoint: string;
  first_segment_seconds: number | null;
  playable_seconds: number | null;
  trouble: string | null;
}

export interface RecordingStatus {
  id: string | null;
  running: boolean;
  title: string | null;
  began: Time | null;
  ended: Time | null;
  bytes: number;
  segments: number;
  gaps: number;
  interruptions: number;
  markers: number;
  free_bytes: number;
}

export interface DestinationStatus {
  id: string;
  url: string;
  state: DestinationState;
  health: HealthReport;
  fault: string | null;
  bytes_sent: number;
  bytes_acknowledged: number;
  position: Time | null;
  queue_segments: number;
  queue_seconds: number;
  reconnects: number;
  last_error: string | null;
  endpoints?: EndpointStatus[];
  forced?: string | null;
  last_switch?: { at: Time; from: string; to: string; why: string; playable_seconds: number | null } | null;
  last_drill?: DrillReport | null;
  recording?: RecordingStatus;
  paused_since?: Time | null;
  line?: LineStatus | null;
}

export interface SpoolStatus {
  health: HealthReport;
  bytes: number;
  quota_bytes: number;
  lost_segments: number;
}

export interface WorkerReport {
  program: ProgramStatus;
  sources: SourceStatus[];
  renditions: RenditionStatus[];
  destinations: DestinationStatus[];
  spool: SpoolStatus;
}

export type ChannelState = 'idle' | 'starting' | 'running' | 'slate' | 'stopping' | 'failed';

export interface ChannelStatus {
  id: string;
  title: string;
  stream_class: string;
  frame_rate: string | null;
  order: 'on_air' | 'off_air';
  state: ChannelState;
  health: HealthReport;
  on_air: boolean;
  on_air_since: Time | null;
  worker: {
    pid: number;
    since: Time;
    adopted: boolean;
    heartbeat_age_seconds: number;
  } | null;
  restarts: number;
  live: { preview: ProgramOrder | null; destinations: Record<string, { enabled?: boolean | null }> };
  report: WorkerReport | null;
  generation: number;
}

export interface ApplianceStatus {
  name: string;
  version: string;
  now: Time;
  started_at: Time;
  health: HealthReport;
  config: { path: string; loaded_at: Time; generation: number; rejected: string[] };
  channels: ChannelStatus[];
  freeze?: Freeze | null;
  /** `open` while nobody has to log in. */
  access?: string;
}

export type Severity = 'info' | 'warning' | 'error';

export interface StampedEvent {
  seq: number;
  at: Time;
  severity: Severity;
  code: string;
  channel: string | null;
  subject: string | null;
  fault: string | null;
  text: string;
  hint: string | null;
}

/** Levels of all channels on air, since the frame before. */
export interface Meters {
  at: Time;
  channels: Record<string, { peak_dbfs: number[]; momentary: number | null; short_term: number | null }>;
}

export type Role = 'viewer' | 'operator' | 'engineer' | 'admin';

/** Who is signed in. */
export interface Who {
  access: 'open' | 'login';
  name: string;
  role: Role | null;
}

export interface Alarm {
  id: string;
  code: string;
  priority: 'critical' | 'warning' | 'info';
  channel: string | null;
  subject: string | null;
  active: boolean;
  since: Time;
  acked: { at: Time; by: string | null } | null;
  shelved: { until: Time; reason: string } | null;
  reason: string;
  action: string;
}

export interface Outcome {
  changed: boolean;
  text: string;
  acted?: { text: string; detail?: unknown };
}

/** RFC 9457. */
export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
  retryable?: boolean;
  /** What viewers would notice wants a confirmation. */
  confirm?: Confirm;
}

/** The same request with this token is done. */
export interface Confirm {
  token: string;
  seconds: number;
  /** What it would do. */
  text: string;
  /** To be typed, for what cannot be brought back. */
  name: string | null;
}

/** For a show: what changes or ends something is refused. */
export interface Freeze {
  since: Time;
  until: Time | null;
  by: string | null;
  reason: string;
  /** None for the whole box. */
  channels: string[];
}

export interface CaptureDevice {
  node: string;
  name: string;
  driver: string;
  kernel: string;
  serial: string | null;
  path: string | null;
  /** What to write in a configuration, best first. */
  names: string[];
  /** Its name in the hardware profiles. */
  card: string | null;
  used_by: { channel: string; source: string; input: InputStatus }[];
}

export interface Devices {
  capture: CaptureDevice[];
  sound: { device: string; name: string; card: string; of_capture: boolean }[];
}

export interface RecordingSummary {
  channel: string;
  destination: string;
  id: string;
  title: string | null;
  state: 'recording' | 'finished' | 'interrupted';
  protected: boolean;
  begins: Time | null;
  ends: Time | null;
  seconds: number;
  bytes: number;
  interruptions: number;
  gaps: { rendition: string | null; begin: Time; end: Time; reason: string }[];
  markers: { at: Time; text: string; by: string }[];
  movies: { name: string; bytes: number }[];
  play: string;
}

export interface JobStatus {
  id: number;
  kind: 'stitch' | 'clip' | 'verify' | 'upload';
  channel: string;
  recording: string;
  state: 'waiting' | 'running' | 'interrupted' | 'done' | 'failed' | 'stopped';
  progress: number;
  text: string;
}
