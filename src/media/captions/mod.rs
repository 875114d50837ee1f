//! Captions (CEA-608 and 708): from a source's pictures, past frame store and switch, into encoded pictures and WebVTT.
//!
//! ```text
//! decoder ─ meta ─▶ read ─▶ feed (due with their pictures) ─┐
//! operators ─ text ─▶ Speech (608 and 708) ─────────────────┴▶ Line ─ one tick's worth ─▶ meta ─┐
//!                                                                                               │
//!   every encoder's access units ◀─ SEI ─┬─ take off ◀──────────────────────────────────────────┘
//!   WebVTT segments ◀─ cues ◀─ receiver ─┘
//! ```
//!
//! Owns: what the bytes mean and at what pace they leave. Must not: change what a source says. They are carried as a
//! stream of their own, because a picture that is dropped or repeated must not drop or repeat its letters.

mod cues;
mod dtvcc;
mod line;
mod line21;
mod receiver;
mod screen;
pub(crate) mod sei;
mod service;
mod signs;
mod speech;
mod triplet;
pub(crate) mod webvtt;
mod window;

use gst_video::VideoCaptionType;
use gstreamer as gst;
use gstreamer_video as gst_video;

pub(crate) use self::cues::Cues;
pub(crate) use self::line::Line;
pub(crate) use self::speech::Speech;
use self::triplet::Form;
pub(crate) use self::triplet::Triplet;

/// A picture carries captions that are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Garbage;

/// What a picture carries.
pub(crate) fn of_picture(picture: &gst::BufferRef) -> Result<Vec<Triplet>, Garbage> {
    let mut found = Vec::new();
    for meta in picture.iter_meta::<gst_video::VideoCaptionMeta>() {
        let form = match meta.caption_type() {
            VideoCaptionType::Cea708Raw => Form::Raw708,
            VideoCaptionType::Cea708Cdp => Form::Packet708,
            VideoCaptionType::Cea608Raw => Form::Raw608,
            VideoCaptionType::Cea608S3341a => Form::Line608,
            _ => continue,
        };
        found.extend(triplet::read(form, meta.data()).ok_or(Garbage)?);
    }
    Ok(found)
}

/// Puts `triplets` on a picture in place of what it carries.
pub(crate) fn put(picture: &mut gst::BufferRef, triplets: &[u8]) {
    while let Some(meta) = picture.meta_mut::<gst_video::VideoCaptionMeta>() {
        if meta.remove().is_err() {
            return;
        }
    }
    if !triplets.is_empty() {
        gst_video::VideoCaptionMeta::add(picture, VideoCaptionType::Cea708Raw, triplets);
    }
}

/// Takes off what a picture of the program carries, so that no encoder does with it as it likes. The picture itself is
/// not copied.
pub(crate) fn take(picture: &mut gst::Buffer) -> Vec<Triplet> {
    if picture.meta::<gst_video::VideoCaptionMeta>().is_none() {
        return Vec::new();
    }
    let triplets = of_picture(picture).unwrap_or_default();
    put(picture.make_mut(), &[]);
    triplets
}
