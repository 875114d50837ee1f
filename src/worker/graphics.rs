//! Slate and overlays of a channel on air: what is in force, and how something else comes into force.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::media::overlay::{Artist, Artwork};
use crate::media::program::Controls;
use crate::media::slate;
use crate::model::overlay::{OverlayOrders, overlays_in_force};
use crate::model::{Acted, ImageName, LiveSettings, MediaTime};
use crate::plan::ChannelPlan;

/// A tick comes much sooner, or the program's thread hangs.
const TICK: Duration = Duration::from_secs(1);

/// What of the settings is drawn.
#[derive(Debug, Clone, PartialEq)]
struct Drawn {
    slate_text: Option<String>,
    slate_image: Option<ImageName>,
    slate_countdown: Option<MediaTime>,
    overlays: OverlayOrders,
}

impl Drawn {
    fn of(live: &LiveSettings) -> Self {
        Self {
            slate_text: live.slate_text.clone(),
            slate_image: live.slate_image.clone(),
            slate_countdown: live.slate_countdown,
            overlays: live.overlays.clone(),
        }
    }
}

/// See the module. Lock order: `easel` before `drawn`.
pub(super) struct Graphics {
    /// Held while drawing.
    easel: Mutex<Easel>,
    drawn: Mutex<Drawn>,
    numbers: AtomicU64,
}

/// Who draws, and by which plan.
struct Easel {
    artist: Artist,
    /// The number of the newest settings that were drawn.
    newest: u64,
    plan: ChannelPlan,
}

impl Easel {
    /// Draws all of it. What cannot be drawn is left out; the sentences say what, and why.
    fn draw(&mut self, live: &LiveSettings) -> ((slate::Picture, Artwork), Vec<String>) {
        let plan = &self.plan;
        let wanted = overlays_in_force(&plan.graphics.overlays, &live.overlays);
        let (artwork, unfit) = self.artist.draw(&wanted, live.slate_countdown);
        let mut reasons: Vec<String> = unfit.into_iter().map(|unfit| unfit.reason).collect();
        let picture = draw_slate(plan, live).unwrap_or_else(|reason| {
            reasons.push(reason);
            slate::render(&plan.program, &plan.title, slate_text(plan, live))
        });
        ((picture, artwork), reasons)
    }
}

impl Graphics {
    /// Draws what a program begins with. What cannot be drawn is left out; the sentences say what, and why.
    pub(super) fn start(plan: &ChannelPlan, live: &LiveSettings) -> (Self, (slate::Picture, Artwork), Vec<String>) {
        let artist = Artist::new(&plan.program, plan.graphics.images.clone());
        let mut easel = Easel { artist, newest: 0, plan: plan.clone() };
        let (drawn, reasons) = easel.draw(live);
        let graphics =
            Self { easel: Mutex::new(easel), drawn: Mutex::new(Drawn::of(live)), numbers: AtomicU64::new(1) };
        (graphics, drawn, reasons)
    }

    /// Draws by another plan, and shows it from one tick on. What cannot be drawn is left out and said. Blocks while
    /// drawing.
    pub(super) fn replan(&self, plan: &ChannelPlan, live: &LiveSettings, program: &Controls) -> Vec<String> {
        let mut easel = lock(&self.easel);
        easel.plan = plan.clone();
        let ((slate, artwork), reasons) = easel.draw(live);
        *lock(&self.drawn) = Drawn::of(live);
        program.set_slate(slate);
        drop(program.set_overlays(artwork));
        reasons
    }

    /// Settings, with what is drawn of them as it is in force.
    pub(super) fn in_force(&self, live: LiveSettings) -> LiveSettings {
        let Drawn { slate_text, slate_image, slate_countdown, overlays } = lock(&self.drawn).clone();
        LiveSettings { slate_text, slate_image, slate_countdown, overlays, ..live }
    }

    /// The place of settings in their order: drawing takes a different time each.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Draws what differs and shows it from one tick on. If something of it cannot be drawn, everything stays as it
    /// was. Blocks while drawing.
    pub(super) fn set(&self, number: u64, live: &LiveSettings, program: &Controls) -> Result<Acted, String> {
        let mut easel = lock(&self.easel);
        let Easel { artist, newest, plan } = &mut *easel;
        if number < *newest {
            return Ok(Acted::said("set, together with what was asked after it"));
        }
        let (before, after) = (lock(&self.drawn).clone(), Drawn::of(live));
        if before == after {
            return Ok(Acted::said("set"));
        }
        let same_slate = (&before.slate_text, &before.slate_image) == (&after.slate_text, &after.slate_image);
        let slate = if same_slate { None } else { Some(draw_slate(plan, live)?) };
        let configured = &plan.graphics.overlays;
        let (old, new) =
            (overlays_in_force(configured, &before.overlays), overlays_in_force(configured, &after.overlays));
        let (artwork, unfit) = artist.draw(&new, after.slate_countdown);
        // An image that vanished after it was configured is not the fault of this change.
        if let Some(unfit) = unfit.into_iter().find(|unfit| old.get(&unfit.kind) != new.get(&unfit.kind)) {
            return Err(unfit.reason);
        }
        if let Some(slate) = slate {
            program.set_slate(slate);
        }
        let shown = program.set_overlays(artwork);
        *newest = number;
        *lock(&self.drawn) = after;
        match shown.recv_timeout(TICK) {
            Ok((at, frame)) => Ok(Acted { at: Some(at), frame: Some(frame), ..Acted::said("set") }),
            Err(_) => Err("the program does not tick: it is set, but not shown".to_owned()),
        }
    }
}

fn slate_text<'a>(plan: &'a ChannelPlan, live: &'a LiveSettings) -> &'a str {
    live.slate_text.as_ref().unwrap_or(&plan.slate.text)
}

fn draw_slate(plan: &ChannelPlan, live: &LiveSettings) -> Result<slate::Picture, String> {
    let image = live.slate_image.as_ref().or(plan.graphics.slate_image.as_ref());
    let backdrop = match image {
        Some(name) => Some(slate::backdrop(&plan.program, &plan.graphics.images, name)?),
        None => None,
    };
    Ok(slate::render_over(&plan.program, backdrop, &plan.title, slate_text(plan, live)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
