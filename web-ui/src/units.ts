// What the tests without a browser look at: everything here is pure.

export * as arm from './core/arm';
export * as ballistics from './core/ballistics';
export * as channel from './core/channel';
export { sync } from './core/clock';
export * as command from './core/command';
export * as consent from './core/consent';
export * as desk from './core/draft';
export * as format from './core/format';
export { extended } from './core/history';
export { chordOf } from './core/keys';
export { difference } from './core/lines';
export * as live from './core/live';
export * as reduce from './core/reduce';
export * as route from './core/route';
export * as timeline from './core/timeline';
export { expiry } from './core/users';
export * as watchdog from './core/watchdog';
export { path as sparkPath } from './parts/Spark';
export { de } from './words/de';
export { en } from './words/en';
