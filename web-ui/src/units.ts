// What the tests without a browser look at: everything here is pure.

export { listed, shelved } from './core/alarms';
export * as arm from './core/arm';
export * as ballistics from './core/ballistics';
export * as channel from './core/channel';
export * as chime from './core/chime';
export { sync } from './core/clock';
export * as command from './core/command';
export * as consent from './core/consent';
export * as desk from './core/draft';
export { differs } from './core/edition';
export * as format from './core/format';
export { order as freezeOrder } from './core/freeze';
export { extended } from './core/history';
export { chordOf } from './core/keys';
export * as levels from './core/levels';
export { difference } from './core/lines';
export * as live from './core/live';
export { placeOf } from './core/playback';
export { clipOf } from './core/recordings';
export * as reduce from './core/reduce';
export * as route from './core/route';
export * as timeline from './core/timeline';
export { expiry } from './core/users';
export * as watchdog from './core/watchdog';
export { path as sparkPath } from './parts/Spark';
export { de } from './words/de';
export { en } from './words/en';
