//! Overlays: what is laid over the program after the switch, and the digits of the slate's count-down.
//!
//! ```text
//! orders ─▶ prepare (another thread: images decoded, words drawn, once) ─▶ Artwork ─▶ slot ─swap on a tick─▶ Keyer
//! picture of a tick ─▶ Keyer: a copy of the picture if there is anything to lay over it, else the picture itself
//! ```
//!
//! Owns: everything that is drawn over the program. Must not: draw, read a file or wait on the tick's thread; there it
//! only blends what was prepared, inside its rectangles. Clocks and timecode are put together from digits drawn once.

mod canvas;
mod digits;
mod image;
mod keyer;
mod prepare;
mod sprite;
#[cfg(test)]
mod tests;
mod words;

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use self::digits::Running;
use self::sprite::Sprite;
use crate::model::MediaTime;

pub(crate) use self::image::backdrop;
pub(crate) use self::keyer::Keyer;
pub use self::prepare::{Artist, Unfit};

/// Something at a place of the program.
#[derive(Debug, Clone)]
enum Layer {
    Still { sprite: Arc<Sprite>, x: usize, y: usize },
    Running(Running),
}

/// All that is laid over the program.
#[derive(Debug, Clone, Default)]
pub struct Artwork {
    always: Vec<Layer>,
    /// While the slate is shown.
    on_slate: Vec<Layer>,
}

/// The first frame that shows something new.
pub type Shown = (MediaTime, u64);

/// New artwork on its way to the tick's thread.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<Option<(Arc<Artwork>, mpsc::Sender<Shown>)>>);

impl Slot {
    /// Shows `artwork` from the next tick on; the receiver is told which that was.
    pub(crate) fn put(&self, artwork: Artwork) -> mpsc::Receiver<Shown> {
        let (sender, receiver) = mpsc::channel();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::new(artwork), sender));
        receiver
    }

    fn take(&self) -> Option<(Arc<Artwork>, mpsc::Sender<Shown>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
