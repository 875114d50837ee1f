//! Where the program goes: to the encoders, and now and then to the confidence monitor.

use gstreamer as gst;

use super::confidence::Monitor;
use super::encode::Encoders;
use super::program::Outlet;

/// Encoders and monitor of one channel.
pub struct ProgramOutlet {
    /// Every rendition.
    pub encoders: Encoders,
    /// None if it could not be started: the program does not depend on it.
    pub monitor: Option<Monitor>,
    /// The same for what is in preview.
    pub preview: Option<Monitor>,
}

impl Outlet for ProgramOutlet {
    fn picture(&self, picture: gst::Buffer) {
        if let Some(monitor) = &self.monitor {
            monitor.offer(&picture);
        }
        self.encoders.push_picture(picture);
    }

    fn sound(&self, sound: gst::Buffer) {
        self.encoders.push_sound(sound);
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
