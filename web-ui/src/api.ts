// What the daemon says, by the names that the panel uses. The types are those of the OpenAPI document (schema.ts, which
// `npm run schema` writes); what that does not describe is here.

import type * as api from './schema';

export type {
  Alarm,
  AlarmShelf,
  Button,
  ButtonList,
  CapacityStatus,
  CertificateStatus,
  ChannelEffect,
  ChannelStatus,
  ClassVersion,
  ClassVersionText,
  Clip,
  ConfigStatus,
  Configuration,
  ConfigurationFault,
  ConfigurationReport,
  Configured,
  DestinationStatus,
  Devices,
  EndpointStatus,
  EntryKind,
  Finding,
  Freeze,
  FreezeOrder,
  Health,
  HealthReport,
  Image,
  InputStatus,
  JobStatus,
  LineStatus,
  LiveChange,
  Loudness,
  LoudnessTarget,
  NodeRules,
  NotifyStatus,
  NotifyTest,
  OscStatus,
  Outcome,
  Presence,
  Present,
  Probe,
  Probed,
  ProgramOrder,
  ProgramStatus,
  PrunedStreamClass,
  RecordingStatus,
  RecordingSummary,
  RenditionStatus,
  Resources,
  Scene,
  Setting,
  Severity,
  Showing,
  ShownCertificate,
  SoundState,
  SourceStatus,
  StampedEvent,
  StreamClass,
  StreamClassFile,
  StreamMeters as Meters,
  SurfacesStatus,
  Take as TakeAsk,
  TimelineEntry,
  TimelineEntryPage,
  TransitionAsk,
  TslStatus,
} from './schema';

/** RFC 3339, in UTC. */
export type Time = api.MediaTime;

export type ApplianceStatus = api.Status & {
  /** `open` while nobody has to log in. */
  access?: string;
};

/** RFC 9457. The panel makes some of its own, where nobody answers. */
export interface Problem extends Pick<api.Problem, 'title' | 'status' | 'detail'> {
  code: string;
  request_id?: string;
  /** What viewers would notice wants a confirmation: this, for the same request, within seconds. */
  confirm?: Confirm;
  /** What holds it. */
  frozen?: api.Freeze;
  /** What is behind it, where that is more than one thing. */
  errors?: { detail: string }[];
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

export type Role = 'viewer' | 'operator' | 'engineer' | 'admin';

/** Who is signed in. */
export interface Who {
  access: 'open' | 'login';
  name: string;
  role: Role | null;
}
