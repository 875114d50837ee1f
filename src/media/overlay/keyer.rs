//! The tick's side: lays the artwork in force over a picture.

use std::sync::Arc;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

use super::{Artwork, Layer, Slot};
use crate::media::encode::picture_caps;
use crate::model::timecode::Timecode;
use crate::model::{FrameGrid, MediaTime, ProgramFormat};

/// Lays overlays over the program's pictures.
pub(crate) struct Keyer {
    slot: Arc<Slot>,
    artwork: Arc<Artwork>,
    frames: FrameGrid,
    /// None if GStreamer refuses one: then there are no overlays.
    canvas: Option<(gst_video::VideoInfo, gst::BufferPool)>,
}

impl Keyer {
    pub(crate) fn new(format: &ProgramFormat, slot: Arc<Slot>) -> Self {
        let canvas = canvas(format);
        if canvas.is_none() {
            tracing::error!("there is no memory for overlays: the program goes without");
        }
        Self { slot, artwork: Arc::default(), frames: FrameGrid::new(format.frame_rate), canvas }
    }

    /// At the begin of the tick at `at`: new artwork is in force from now on.
    pub(crate) fn renew(&mut self, at: MediaTime) {
        if let Some((artwork, shown)) = self.slot.take() {
            self.artwork = artwork;
            // Whoever asked may have given up waiting.
            let _ = shown.send((at, self.frames.index_at(at)));
        }
    }

    /// The picture of the tick at `at` as it leaves: `picture` itself, or a copy with the overlays on it. `label` is its
    /// timecode, where that is not the clock's.
    pub(crate) fn apply(
        &self,
        picture: gst::Buffer,
        at: MediaTime,
        slate: bool,
        label: Option<Timecode>,
    ) -> gst::Buffer {
        let on_slate = if slate { &self.artwork.on_slate[..] } else { &[] };
        let layers = || self.artwork.always.iter().chain(on_slate);
        if !layers().any(|layer| layer.is_seen(at)) {
            return picture;
        }
        let drawn = self.keyed(&picture, |frame| layers().for_each(|layer| layer.draw(frame, at, self.frames, label)));
        drawn.unwrap_or(picture)
    }

    fn keyed(
        &self,
        picture: &gst::Buffer,
        draw: impl FnOnce(&mut gst_video::VideoFrameRef<&mut gst::BufferRef>),
    ) -> Option<gst::Buffer> {
        let (info, pool) = self.canvas.as_ref()?;
        let mut copy = pool.acquire_buffer(None).ok()?;
        {
            let target = copy.get_mut()?;
            let source = gst_video::VideoFrameRef::from_buffer_ref_readable(picture, info).ok()?;
            let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(target, info).ok()?;
            source.copy(&mut frame).ok()?;
            draw(&mut frame);
        }
        Some(copy)
    }
}

impl Drop for Keyer {
    fn drop(&mut self) {
        if let Some((_, pool)) = &self.canvas {
            let _ = pool.set_active(false);
        }
    }
}

impl Layer {
    fn is_seen(&self, at: MediaTime) -> bool {
        match self {
            Layer::Still { .. } => true,
            Layer::Running(running) => running.is_seen(at),
        }
    }

    fn draw(
        &self,
        frame: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
        at: MediaTime,
        frames: FrameGrid,
        label: Option<Timecode>,
    ) {
        match self {
            Layer::Still { sprite, x, y } => sprite.blend(frame, *x, *y),
            Layer::Running(running) => running.draw(frame, at, frames, label),
        }
    }
}

fn canvas(format: &ProgramFormat) -> Option<(gst_video::VideoInfo, gst::BufferPool)> {
    let caps = picture_caps(format);
    let info = gst_video::VideoInfo::from_caps(&caps).ok()?;
    let pool = gst::BufferPool::new();
    let mut config = pool.config();
    config.set_params(Some(&caps), u32::try_from(info.size()).ok()?, 0, 0);
    pool.set_config(config).ok()?;
    pool.set_active(true).ok()?;
    Some((info, pool))
}
