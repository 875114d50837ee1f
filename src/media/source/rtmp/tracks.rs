//! From a publisher's messages into the pipeline: one appsrc and decoder each for picture and sound, made when the
//! stream says how it is coded.

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::super::branch::Branches;
use super::super::head;
use super::tag::{Coding, Tag};
use super::timeline::Timeline;

/// Coded bytes that may wait in front of a decoder. Beyond it the publisher has to wait, and encoders then send less.
const AHEAD: u64 = 4 << 20;

const PICTURE: usize = 0;
const SOUND: usize = 1;

/// Why a publisher cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// The connection's pipeline is gone.
    Closed,
    /// It sends what cannot be shown.
    Unfit(String),
}

struct Track {
    coding: Coding,
    entry: gst_app::AppSrc,
    setup: Bytes,
}

/// Both tracks of one publisher.
pub(super) struct Tracks {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    branches: Branches,
    timeline: Timeline,
    tracks: [Option<Track>; 2],
}

impl Tracks {
    pub(super) fn new(pipeline: gst::glib::WeakRef<gst::Pipeline>, branches: Branches) -> Self {
        Self { pipeline, branches, timeline: Timeline::default(), tracks: [None, None] }
    }

    /// Takes a video message.
    pub(super) fn picture(&mut self, timestamp: u32, tag: Tag) -> Result<bool, Broken> {
        match tag {
            Tag::Unknown(what) => {
                Err(Broken::Unfit(format!("the publisher sends {what}; H.264, HEVC and AV1 are taken")))
            }
            tag => self.take(PICTURE, timestamp, tag),
        }
    }

    /// Takes an audio message. Sound that cannot be decoded is left out.
    pub(super) fn sound(&mut self, timestamp: u32, tag: Tag) -> Result<bool, Broken> {
        match tag {
            Tag::Unknown(_) => Ok(false),
            tag => self.take(SOUND, timestamp, tag),
        }
    }

    /// True if it was something to decode.
    fn take(&mut self, which: usize, timestamp: u32, tag: Tag) -> Result<bool, Broken> {
        match tag {
            Tag::Setup(coding, setup) => self.set_up(which, coding, setup).map(|()| false),
            Tag::Frame { coding, data, shown_after, key } => {
                if coding == Coding::Mp3 && self.tracks[which].is_none() {
                    self.set_up(which, coding, Bytes::new())?;
                }
                self.push(which, timestamp, data, shown_after, key)
            }
            Tag::Nothing | Tag::Unknown(_) => Ok(false),
        }
    }

    fn set_up(&mut self, which: usize, coding: Coding, setup: Bytes) -> Result<(), Broken> {
        match &mut self.tracks[which] {
            Some(track) if track.coding != coding => {
                Err(Broken::Unfit("the publisher has changed to another coding in mid-stream".to_owned()))
            }
            Some(track) if track.setup == setup => Ok(()),
            Some(track) => {
                track.entry.set_caps(Some(&caps(coding, &setup)));
                track.setup = setup;
                Ok(())
            }
            none => {
                let pipeline = self.pipeline.upgrade().ok_or(Broken::Closed)?;
                let entry = enter(&pipeline, &self.branches, &caps(coding, &setup))
                    .map_err(|error| Broken::Unfit(format!("its stream cannot be decoded here: {error}")))?;
                *none = Some(Track { coding, entry, setup });
                Ok(())
            }
        }
    }

    fn push(&mut self, which: usize, timestamp: u32, data: Bytes, shown_after: i32, key: bool) -> Result<bool, Broken> {
        let pipeline = self.pipeline.upgrade().ok_or(Broken::Closed)?;
        let now = pipeline.current_running_time().unwrap_or_default().mseconds() as i64;
        // A frame in front of its setup cannot be decoded: the publisher was joined in the middle.
        let Some(track) = &self.tracks[which] else { return Ok(false) };
        let decoded = self.timeline.place(which, timestamp, now);
        let shown = decoded.saturating_add(i64::from(shown_after));
        let mut buffer = gst::Buffer::from_slice(data);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_dts(running(decoded));
            buffer.set_pts(running(shown));
            if !key {
                buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
        }
        // Blocks while too much waits; taking the pipeline down ends that.
        drop(pipeline);
        track.entry.push_buffer(buffer).map(|_| true).map_err(|_| Broken::Closed)
    }
}

/// Running time is never negative: what belongs before the connection's begin is shown with its first picture.
fn running(millis: i64) -> gst::ClockTime {
    gst::ClockTime::from_mseconds(millis.max(0) as u64)
}

fn caps(coding: Coding, setup: &Bytes) -> gst::Caps {
    let builder = match coding {
        Coding::H264 => gst::Caps::builder("video/x-h264").field("stream-format", "avc").field("alignment", "au"),
        Coding::H265 => gst::Caps::builder("video/x-h265").field("stream-format", "hvc1").field("alignment", "au"),
        Coding::Av1 => gst::Caps::builder("video/x-av1").field("stream-format", "obu-stream").field("alignment", "tu"),
        Coding::Aac => gst::Caps::builder("audio/mpeg")
            .field("mpegversion", 4i32)
            .field("stream-format", "raw")
            .field("framed", true),
        Coding::Mp3 => {
            return gst::Caps::builder("audio/mpeg").field("mpegversion", 1i32).field("layer", 3i32).build();
        }
    };
    builder.field("codec_data", gst::Buffer::from_slice(setup.clone())).build()
}

/// An appsrc and a decoder in the running pipeline.
fn enter(
    pipeline: &gst::Pipeline,
    branches: &Branches,
    caps: &gst::Caps,
) -> Result<gst_app::AppSrc, gst::glib::BoolError> {
    let entry = gst_app::AppSrc::builder()
        .caps(caps)
        .format(gst::Format::Time)
        .is_live(true)
        .block(true)
        .max_bytes(AHEAD)
        .build();
    let element: &gst::Element = entry.upcast_ref();
    pipeline.add(element)?;
    let decode = head::decoder(pipeline, branches)?;
    element.link(&decode)?;
    decode.sync_state_with_parent()?;
    // Not in step with the pipeline: while a decoder has nothing to show yet, that falls back to PAUSED, in which a live
    // source gives nothing.
    element.set_state(gst::State::Playing).map_err(|_| gst::glib::bool_error!("it could not be started"))?;
    Ok(entry)
}
