//! Files in turn without a gap: while one plays the next is opened, and it begins on the instant the last one ends. A
//! single file is its own next one: seeking back is not something every container can do.
//!
//! ```text
//! open ─▶ playing ──end──▶ next one playing ─▶ …
//!           │ while it plays: open the next, skip what cannot be opened
//!           └─ broken in the middle, stands still ─▶ next one
//! ```

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::Context;
use super::branch::Branches;
use super::connection::{End, close, plain};
use super::head;

/// Longest wait for a file to be opened.
const OPEN: Duration = Duration::from_secs(5);
/// A file that plays and delivers nothing for so long is left.
const STILL: Duration = Duration::from_secs(3);
/// A file that is open only so long after its begin would show nothing until it has caught up.
const LATE: gst::ClockTime = gst::ClockTime::from_mseconds(60);
const LOOK: gst::ClockTime = gst::ClockTime::from_mseconds(20);

/// Plays `paths` until asked to stop, or once.
pub(super) fn play(context: &Context, paths: &[PathBuf], repeat: bool) -> End {
    let mut queue = Queue { context, paths, repeat, next: 0, barren: 0 };
    let mut current = match queue.open_next() {
        Opened::Reel(reel) => reel,
        Opened::None(end) => return end,
    };
    let mut begin = gst::SystemClock::obtain().time();
    loop {
        if !current.start(begin) {
            context.condition.skipped(&current.path, "it could not be started");
        }
        let (ended, next) = std::thread::scope(|scope| {
            let next = scope.spawn(|| queue.open_next());
            let ended = current.watch();
            (ended, next.join())
        });
        begin = match ended {
            Ended::Stopped => {
                current.close();
                if let Ok(Opened::Reel(next)) = next {
                    next.close();
                }
                return End::Stopped;
            }
            Ended::Played => current.end().max(gst::SystemClock::obtain().time().saturating_sub(LATE)),
            Ended::Broken(reason) => {
                context.condition.skipped(&current.path, &reason);
                gst::SystemClock::obtain().time()
            }
        };
        let finished = std::mem::replace(
            &mut current,
            match next {
                Ok(Opened::Reel(reel)) => reel,
                Ok(Opened::None(end)) => {
                    current.close();
                    return end;
                }
                Err(_) => {
                    current.close();
                    return End::Lost("opening the next file failed: see the worker's log".to_owned());
                }
            },
        );
        // Closing takes time, and the next file is due.
        let (played, id) = (finished.pipeline.clone(), context.plan.id.clone());
        let _ = std::thread::Builder::new().name("close source".to_owned()).spawn(move || close(&played, &id));
    }
}

enum Opened<'a> {
    Reel(Reel<'a>),
    None(End),
}

struct Queue<'a> {
    context: &'a Context,
    paths: &'a [PathBuf],
    repeat: bool,
    next: usize,
    /// Files in a row that could not be opened.
    barren: usize,
}

impl<'a> Queue<'a> {
    /// The next file that can be opened.
    fn open_next(&mut self) -> Opened<'a> {
        loop {
            if self.context.stopping() {
                return Opened::None(End::Stopped);
            }
            if self.barren >= self.paths.len() {
                let text = format!("none of its {} files can be played", self.paths.len());
                return Opened::None(End::Failed(text));
            }
            if self.next >= self.paths.len() {
                if !self.repeat {
                    return Opened::None(End::Finished);
                }
                self.next = 0;
            }
            let path = &self.paths[self.next];
            self.next += 1;
            match Reel::open(self.context, path) {
                Ok(reel) => {
                    self.barren = 0;
                    return Opened::Reel(reel);
                }
                Err(reason) if self.paths.len() == 1 => {
                    return Opened::None(End::Failed(format!("{} cannot be played: {reason}", path.display())));
                }
                Err(reason) => {
                    self.barren += 1;
                    self.context.condition.skipped(path, &reason);
                }
            }
        }
    }
}

enum Ended {
    Stopped,
    Played,
    Broken(String),
}

/// One file: opened, its first picture and sound decoded, waiting for its begin.
struct Reel<'a> {
    context: &'a Context,
    path: PathBuf,
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    branches: Branches,
}

impl<'a> Reel<'a> {
    fn open(context: &'a Context, path: &Path) -> Result<Self, String> {
        let pipeline = gst::Pipeline::new();
        let bus = pipeline.bus().ok_or("the pipeline has no bus")?;
        let clock = gst::SystemClock::obtain();
        pipeline.use_clock(Some(&clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        let branches = Branches::new(context, &pipeline, gst::ClockTime::ZERO);
        let reel = Self { context, path: path.to_owned(), pipeline, bus, branches };
        match reel.preroll() {
            Ok(()) => Ok(reel),
            Err(reason) => {
                reel.close();
                Err(reason)
            }
        }
    }

    fn preroll(&self) -> Result<(), String> {
        head::file(&self.path, &self.pipeline, &self.branches).map_err(|error| error.to_string())?;
        // A failed change of state has its reason on the bus.
        let _ = self.pipeline.set_state(gst::State::Paused);
        let deadline = Instant::now() + OPEN;
        let kinds = [gst::MessageType::AsyncDone, gst::MessageType::Error];
        while Instant::now() < deadline && !self.context.stopping() {
            let Some(message) = self.bus.timed_pop_filtered(LOOK, &kinds) else { continue };
            return match message.view() {
                gst::MessageView::Error(error) => Err(plain(error)),
                _ if self.branches.streams().none() => Err("it holds neither picture nor sound".to_owned()),
                _ => Ok(()),
            };
        }
        Err(format!("it delivered nothing for {} s", OPEN.as_secs()))
    }

    /// Plays from `begin` (of the system clock) on.
    fn start(&self, begin: gst::ClockTime) -> bool {
        self.pipeline.set_base_time(begin);
        self.branches.set_base(begin);
        self.context.feed.announce(self.branches.streams());
        self.pipeline.set_state(gst::State::Playing).is_ok()
    }

    fn watch(&self) -> Ended {
        let mut heard = (self.context.feed.last_arrival(), Instant::now());
        loop {
            if self.context.stopping() {
                return Ended::Stopped;
            }
            if let Some(message) = self.bus.timed_pop(LOOK) {
                match message.view() {
                    gst::MessageView::Eos(_) => return Ended::Played,
                    gst::MessageView::Error(error) => return Ended::Broken(plain(error)),
                    _ => {}
                }
            }
            let arrival = self.context.feed.last_arrival();
            if arrival != heard.0 {
                heard = (arrival, Instant::now());
                self.context.condition.delivering();
            } else if heard.1.elapsed() >= STILL {
                return Ended::Broken(format!("nothing came out of it for {} s", STILL.as_secs()));
            }
        }
    }

    /// When its last picture and sound end, on the system clock.
    fn end(&self) -> gst::ClockTime {
        self.branches.end().map_or_else(|| gst::SystemClock::obtain().time(), gst::ClockTime::from_nseconds)
    }

    fn close(&self) {
        close(&self.pipeline, &self.context.plan.id);
    }
}
