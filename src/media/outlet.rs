//! Where the program goes: to the encoders, now and then to the confidence monitor, and to its companions.

use gstreamer as gst;

use super::companion::{Companions, Offered};
use super::confidence::Monitor;
use super::encode::Encoders;
use super::program::Outlet;
use crate::model::{MediaTime, SourceId};

/// Encoders and monitor of one channel.
pub struct ProgramOutlet {
    /// Every rendition.
    pub encoders: Encoders,
    /// None if it could not be started: the program does not depend on it.
    pub monitor: Option<Monitor>,
    /// The same for what is in preview.
    pub preview: Option<Monitor>,
    /// What is recorded beside the program.
    pub companions: Companions,
}

impl Outlet for ProgramOutlet {
    fn picture(&self, picture: gst::Buffer) {
        if let Some(monitor) = &self.monitor {
            monitor.offer(&picture);
        }
        self.encoders.push_picture(picture);
    }

    fn sound(&self, sound: gst::Buffer) {
        if let Some(clean) = self.companions.clean()
            && let Some(at) = time_of(&sound)
        {
            clean.offer(Offered { at, picture: None, sound: Some(sound.clone()), delivers: true });
        }
        self.encoders.push_sound(sound);
    }

    fn wants_clean(&self) -> bool {
        self.companions.clean().is_some()
    }

    fn clean(&self, picture: gst::Buffer) {
        if let Some(clean) = self.companions.clean()
            && let Some(at) = time_of(&picture)
        {
            clean.offer(Offered { at, picture: Some(picture), sound: None, delivers: true });
        }
    }

    fn isolates(&self, source: &SourceId) -> bool {
        self.companions.of_source(source).is_some()
    }

    fn isolated(&self, source: &SourceId, offered: Offered) {
        if let Some(companion) = self.companions.of_source(source) {
            companion.offer(offered);
        }
    }

    fn wants_preview(&self) -> bool {
        self.preview.as_ref().is_some_and(Monitor::is_due)
    }

    fn preview(&self, picture: gst::Buffer) {
        if let Some(preview) = &self.preview {
            preview.offer(&picture);
        }
    }
}

fn time_of(buffer: &gst::Buffer) -> Option<MediaTime> {
    buffer.pts().map(|pts| MediaTime::from_nanos(pts.nseconds()))
}
