//! What is done with sound between a feed and the encoders: channel maps, gain, loudness, limiter, meters, states.
//!
//! Owns: signal processing on interleaved 32 bit floats, a tick at a time, on the program's thread; what of it can be
//! set while on air ([`Desk`]). Must not: wait, know sources or GStreamer.
//!
//! ```text
//! feed ─▶ strip (map, gain, mute, fade) ─┐
//! feed ─▶ strip ─────────────────────────┴▶ sum ─▶ program gain ─▶ corrector per mix ─▶ meters, loudness, states ─▶ out
//! ```
//!
//! A *mix* is what is heard together: the whole program, or one pair of a program of pairs. Loudness is measured,
//! corrected and watched per mix. The loudness correction is a slow gain of its own and not GStreamer's `audioloudnorm`,
//! which holds the sound back by three seconds; see [`corrector`].

mod corrector;
mod desk;
mod limiter;
mod loudness;
mod matrix;
mod meter;
mod ramp;
mod rider;
mod states;
mod strip;

pub(crate) use corrector::Corrector;
pub use desk::Settled;
pub(crate) use desk::{Desk, Readings};
pub(crate) use loudness::LoudnessMeter;
pub(crate) use matrix::Arriving;
pub(crate) use matrix::Matrix;
pub(crate) use meter::{Levels, Peaks, decibels, factor};
pub(crate) use ramp::Ramp;
pub(crate) use states::{Heard, Watch};
pub(crate) use strip::Strip;
