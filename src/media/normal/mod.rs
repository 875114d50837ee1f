//! Normalising: a source's pictures, whatever they are, become pictures of program format.
//!
//! Owns: size, shape, rotation, colours, range, bit depth and alpha. What comes out never changes its caps, so no source
//! can make an encoder renegotiate. Interlacing is undone before (`deinterlace` in the source's branch), frame rates
//! are the frame store's business. Must not: fail for good; a picture that cannot be used is an error of its source.
//!
//! ```text
//! picture ─ caps new? make a job ─┬─ same as the program: passed on, or copied out of a driver's memory
//!                                 ├─ converted into its place, black around it
//!                                 └─ converted, laid over black (alpha), turned into its place
//! ```

mod geometry;
mod job;
mod planes;
#[cfg(test)]
mod tests;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

pub(crate) use self::geometry::Turn;
use self::job::Job;
use super::encode::picture_caps;
use crate::model::{Fit, ProgramFormat};

/// The largest side of a picture. Scaling a larger one takes longer than it is shown.
const LARGEST: u32 = 8192;

/// Why a picture cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotNormal {
    #[error("its picture of {0}x{1} is larger than {LARGEST}x{LARGEST}: send a smaller one")]
    TooLarge(u32, u32),
    #[error("its picture format cannot be converted ({0})")]
    Format(String),
    #[error("a picture is not what its format says ({0})")]
    Damaged(String),
    #[error("there is no memory for a picture")]
    Memory,
}

/// Brings the pictures of one source to program format.
pub(crate) struct Normaliser {
    program: ProgramFormat,
    out: gst_video::VideoInfo,
    fit: Fit,
    turn: Turn,
    pool: gst::BufferPool,
    /// Pictures lie in memory that their source wants back.
    lent: bool,
    job: Option<(gst::Caps, Job)>,
}

impl Normaliser {
    pub(crate) fn new(program: &ProgramFormat, fit: Fit) -> Result<Self, gst::glib::BoolError> {
        let caps = picture_caps(program);
        let out = gst_video::VideoInfo::from_caps(&caps)?;
        let pool = gst::BufferPool::new();
        let mut config = pool.config();
        config.set_params(Some(&caps), u32::try_from(out.size()).unwrap_or(u32::MAX), 0, 0);
        pool.set_config(config)?;
        pool.set_active(true)?;
        Ok(Self { program: *program, out, fit, turn: Turn::default(), pool, lent: false, job: None })
    }

    /// The same for pictures in the memory of a driver: those in program format are copied, not passed on. A driver has
    /// few buffers and captures into none that is still to be shown, and it cannot be unloaded while one is kept.
    pub(crate) fn of_lent(mut self) -> Self {
        self.lent = true;
        self
    }

    /// How the pictures from now on are to be turned.
    pub(crate) fn set_turn(&mut self, turn: Turn) {
        if turn != self.turn {
            self.turn = turn;
            self.job = None;
        }
    }

    /// The picture in program format, without timestamps.
    pub(crate) fn picture(&mut self, sample: &gst::Sample) -> Result<gst::Buffer, NotNormal> {
        let (Some(buffer), Some(caps)) = (sample.buffer_owned(), sample.caps_owned()) else {
            return Err(NotNormal::Damaged("it is empty".to_owned()));
        };
        let job = match &self.job {
            Some((known, job)) if *known == caps => job,
            _ => {
                let job = Job::new(&caps, &self.program, &self.out, self.fit, self.turn)?;
                &self.job.insert((caps, job)).1
            }
        };
        match job {
            Job::Same if !self.lent && is_plain(&buffer, &self.out) => Ok(buffer),
            job => job.run(&buffer, &self.out, self.pool.acquire_buffer(None).map_err(|_| NotNormal::Memory)?),
        }
    }
}

impl Drop for Normaliser {
    fn drop(&mut self) {
        // Buffers that are still on air keep themselves alive.
        let _ = self.pool.set_active(false);
    }
}

/// Whether the pixels lie as the caps say, without padding of its own.
fn is_plain(buffer: &gst::Buffer, info: &gst_video::VideoInfo) -> bool {
    buffer.size() == info.size()
        && buffer
            .meta::<gst_video::VideoMeta>()
            .is_none_or(|meta| meta.stride() == info.stride() && meta.offset() == info.offset())
}
