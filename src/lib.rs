//! Uplink turns a Linux box with capture cards into a broadcast appliance: `uplinkd` keeps every channel on air.
//!
//! Data flows one way: configuration → plan → graph → segments → destinations, and events back up. State machines are
//! pure functions `(state, event, now) → (state, actions)` owned by one task; others send commands and watch snapshots.
//!
//! # Layers
//!
//! No module imports sideways or upwards. `tests/layers` reads this table and the code and compares them.
//!
//! | layer | module | owns | may import |
//! |---|---|---|---|
//! | 0 | `model` | the words of the field: ids, units, health, events, media time. No I/O | |
//! | 0 | `bmff` | boxes of the ISO base media file format: read, written, what fragments say of samples. Pure, but for reading a head from a file | |
//! | 1 | `document` | files that technicians write: spanned TOML against a table of keys, faults with their place; JSON Schema and reference from the same table | model |
//! | 1 | `profile` | hardware profiles and their matching | model, document |
//! | 1 | `hardware` | what is plugged in now, from a given root directory; names of devices → devices | model |
//! | 1 | `config` | loading and checking what the technician wrote: raw → checked; claims; secrets | model, document, profile, hardware |
//! | 1 | `policy` | when to retry, restart, fail over, revert, alarm. Pure; time is passed in | model |
//! | 1 | `hls` | playlists, segment names, timing. Pure | model |
//! | 1 | `lineup` | the machine-readable marks in the test picture and sound: draw and read. Pure | model |
//! | 2 | `plan` | checked channel + profile → the graph as data. Pure | model, config, profile |
//! | 3 | `ipc` | messages and framing between daemon and worker | model, plan |
//! | 3 | `spool` | segments on disk: write, index, retain, recover | model, bmff, hls |
//! | 3 | `record` | recordings on disk: taken over from the spool, journal, playlists, mending, quota | model, bmff, hls, spool, policy |
//! | 3 | `media` | the only user of GStreamer: source bins, program switch, encoders, muxers, decoders | model, bmff, plan, policy, lineup, hardware, system |
//! | 3 | `push` | destinations over HTTP: segments and playlists to origins | model, bmff, hls, policy, spool |
//! | 3 | `classes` | the site's own stream classes as files: the copy that counts, every version | model, config |
//! | 3 | `lastgood` | configurations that were in force, as files: what the daemon comes back on air with | model, config |
//! | 3 | `store` | SQLite: orders, as-run log | model |
//! | 3 | `system` | processes, signals, sockets; the only home of `unsafe` | |
//! | 3 | `telemetry` | logs, metrics, one event → log line + metric + as-run entry; what this process takes | model, system |
//! | 4 | `worker` | one channel's loop | model, plan, ipc, media, spool, push, record, hls, policy, telemetry, system |
//! | 4 | `supervisor` | one actor per channel, child processes, adoption, snapshots | model, config, profile, policy, plan, hardware, ipc, store, telemetry, system |
//! | 4 | `replay` | what is done with recordings: list, verify, stitch, cut, upload | model, bmff, hls, policy, record, push, system |
//! | 4 | `access` | who may what: users, roles, sessions, tokens, the audit log, the listener's certificate and having it renewed | model, policy, store |
//! | 4 | `origin` | the embedded origin | model, hls, record, store, telemetry, system |
//! | 4 | `measure` | plays what was delivered and reports, from picture and sound | model, hls, lineup, media |
//! | 4 | `alarm` | what is wrong by the snapshots, until it is put right and somebody has seen it | model, policy, store, system |
//! | 4 | `doctor` | what a support engineer asks of a box: looked at and judged, area by area, and packed without secrets; whether a destination would take the program | model, document, config, policy, plan, profile, hardware, push, store, system |
//! | 4 | `notify` | news of alarms for people and programs elsewhere: webhooks, e-mail | model, policy, store |
//! | 4 | `surface` | control surfaces: what keys show, tally to displays (TSL UMD), orders by OSC | model |
//! | 5 | `api` | REST, event stream, panel files. Translation only | model, policy, config, record, replay, supervisor, alarm, doctor, notify, surface, access, hardware, classes, store, telemetry |
//! | 6 | `app` | wiring of each program, shutdown order | everything it wires |

pub mod access;
pub mod alarm;
pub mod api;
pub mod app;
mod bmff;
pub mod classes;
pub mod config;
pub mod doctor;
pub mod document;
pub mod hardware;
pub mod hls;
pub mod ipc;
pub mod lastgood;
pub mod lineup;
pub mod measure;
pub mod media;
pub mod model;
pub mod notify;
pub mod origin;
pub mod plan;
pub mod policy;
pub mod profile;
pub mod push;
pub mod record;
pub mod replay;
pub mod spool;
pub mod store;
pub mod supervisor;
pub mod surface;
pub mod system;
pub mod telemetry;
pub mod worker;
