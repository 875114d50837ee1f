//! From orders to artwork: on a thread that may take its time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::canvas::Canvas;
use super::digits::{Counted, Digits, Running, signs};
use super::image::scaled;
use super::sprite::Sprite;
use super::words::{Style, words};
use super::{Artwork, Layer};
use crate::media::MediaError;
use crate::model::overlay::{Overlay, OverlayKind, Place};
use crate::model::{MediaTime, ProgramFormat};

/// Half transparent, nearly black.
const GROUND: [u8; 4] = [24, 18, 16, 178];
/// The line beside a lower third.
const ACCENT: [u8; 4] = [230, 160, 60, 255];
/// Of each side, what receivers and their decorations may hide (EBU R 95, graphics safe area of 16:9): 5 %.
const MARGIN: usize = 20;

/// An overlay that cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Which.
    pub kind: OverlayKind,
    /// Why, one sentence.
    pub reason: String,
}

/// Draws what is ordered, and keeps what has not changed.
pub struct Artist {
    width: usize,
    height: usize,
    images: PathBuf,
    drawn: BTreeMap<OverlayKind, (Overlay, Layer)>,
    digits: BTreeMap<usize, Arc<Digits>>,
}

impl Artist {
    /// Draws for programs of this format, with images from a directory.
    pub fn new(format: &ProgramFormat, images: PathBuf) -> Self {
        let (width, height) = (format.size.width() as usize, format.size.height() as usize);
        Self { width, height, images, drawn: BTreeMap::new(), digits: BTreeMap::new() }
    }

    /// The artwork for these overlays, and which of them could not be drawn. Those are not shown: neither they, nor
    /// what was there of their kind.
    pub fn draw(
        &mut self,
        overlays: &BTreeMap<OverlayKind, Overlay>,
        countdown: Option<MediaTime>,
    ) -> (Artwork, Vec<Unfit>) {
        let mut unfit = Vec::new();
        self.drawn.retain(|kind, _| overlays.contains_key(kind));
        for (kind, overlay) in overlays {
            if self.drawn.get(kind).is_some_and(|(known, _)| known == overlay) {
                continue;
            }
            match self.layer(overlay) {
                Ok(layer) => drop(self.drawn.insert(*kind, (overlay.clone(), layer))),
                Err(reason) => {
                    self.drawn.remove(kind);
                    unfit.push(Unfit { kind: *kind, reason });
                }
            }
        }
        let always = self.drawn.values().map(|(_, layer)| layer.clone()).collect();
        let on_slate = countdown.and_then(|end| {
            let layer = self.countdown(end);
            layer.inspect_err(|error| tracing::warn!("the slate goes without its count-down: {error}")).ok()
        });
        (Artwork { always, on_slate: on_slate.into_iter().collect() }, unfit)
    }

    fn layer(&mut self, overlay: &Overlay) -> Result<Layer, String> {
        let said = |error: MediaError| error.to_string();
        match overlay {
            Overlay::Logo { image, place, width_percent, opacity_percent } => {
                let width = self.width * usize::from(*width_percent) / 100;
                let canvas = scaled(&self.images, image, width, self.height * 9 / 10)?;
                Ok(self.still(&canvas, f32::from(*opacity_percent) / 100.0, *place))
            }
            Overlay::Text { text, place, height_percent } => {
                let canvas = self.text(text, *place, usize::from(*height_percent)).map_err(said)?;
                Ok(self.still(&canvas, 1.0, *place))
            }
            Overlay::LowerThird { title, subtitle } => {
                let canvas = self.lower_third(title, subtitle).map_err(said)?;
                Ok(self.still(&canvas, 1.0, Place::BottomLeft))
            }
            Overlay::Clock { place, zone } => self.running(Counted::Clock(*zone), *place).map_err(said),
            Overlay::Timecode { place, zone } => self.running(Counted::Timecode(*zone), *place).map_err(said),
        }
    }

    fn still(&self, canvas: &Canvas, opacity: f32, place: Place) -> Layer {
        let sprite = Sprite::new(canvas, opacity);
        let (x, y) = self.corner(sprite.width, sprite.height, place);
        Layer::Still { sprite: Arc::new(sprite), x, y }
    }

    fn text(&self, text: &str, place: Place, height_percent: usize) -> Result<Canvas, MediaError> {
        let pixels = (self.height * height_percent / 100).max(8);
        let align = match place {
            Place::TopLeft | Place::BottomLeft => "left",
            Place::Top | Place::Middle | Place::Bottom => "center",
            Place::TopRight | Place::BottomRight => "right",
        };
        let ink = self.ink(text, "Sans", pixels, align)?;
        let pad = pixels / 2;
        let mut canvas = Canvas::filled(ink.width + 2 * pad, ink.height + 2 * pad, GROUND);
        canvas.lay(&ink, pad, pad);
        Ok(canvas)
    }

    fn lower_third(&self, title: &str, subtitle: &str) -> Result<Canvas, MediaError> {
        let (large, small) = ((self.height / 17).max(9), (self.height / 25).max(8));
        let title = self.ink(title, "Sans Bold", large, "left")?;
        let subtitle = match subtitle.trim() {
            "" => None,
            subtitle => Some(self.ink(subtitle, "Sans", small, "left")?),
        };
        let pad = (large / 2).max(2);
        let below = subtitle.as_ref().map_or((0, 0), |ink| (ink.width, ink.height + pad / 2));
        let bar = (large / 5).max(2);
        let (width, height) = (title.width.max(below.0) + 2 * pad + bar, title.height + below.1 + 2 * pad);
        let mut canvas = Canvas::filled(width, height, GROUND);
        canvas.lay(&Canvas::filled(bar, height, ACCENT), 0, 0);
        canvas.lay(&title, bar + pad, pad);
        if let Some(subtitle) = subtitle {
            canvas.lay(&subtitle, bar + pad, pad + title.height + pad / 2);
        }
        Ok(canvas)
    }

    /// The words alone, broken so that they fit with their box into the safe area.
    fn ink(&self, text: &str, face: &'static str, pixels: usize, align: &'static str) -> Result<Canvas, MediaError> {
        let room = |side: usize| (side - 2 * (side / MARGIN)).saturating_sub(2 * pixels).max(16);
        let style = Style { face, pixels, width: room(self.width), height: room(self.height), align };
        let canvas = words(text.trim(), &style)?;
        canvas.trimmed().ok_or_else(|| MediaError::graph("words", "no font of this box has any of these signs"))
    }

    fn running(&mut self, counted: Counted, place: Place) -> Result<Layer, MediaError> {
        let digits = self.digits((self.height / 22).max(9))?;
        let (x, y) = self.corner(digits.width(signs(counted)), digits.height, place);
        Ok(Layer::Running(Running { digits, counted, x, y }))
    }

    /// Below the words of the slate.
    fn countdown(&mut self, end: MediaTime) -> Result<Layer, MediaError> {
        let digits = self.digits((self.height / 9).max(12))?;
        let counted = Counted::Until(end);
        let x = (self.width.saturating_sub(digits.width(signs(counted))) / 2) & !1;
        let y = (self.height * 72 / 100) & !1;
        Ok(Layer::Running(Running { digits, counted, x, y }))
    }

    fn digits(&mut self, pixels: usize) -> Result<Arc<Digits>, MediaError> {
        if let Some(known) = self.digits.get(&pixels) {
            return Ok(Arc::clone(known));
        }
        let drawn = Arc::new(Digits::draw(pixels, GROUND)?);
        self.digits.insert(pixels, Arc::clone(&drawn));
        Ok(drawn)
    }

    /// Where something of this size stands; even, inside the safe area if it fits.
    fn corner(&self, width: usize, height: usize, place: Place) -> (usize, usize) {
        let (left, top) = (self.width / MARGIN, self.height / MARGIN);
        let middle = |outer: usize, inner: usize| outer.saturating_sub(inner) / 2;
        let right = self.width.saturating_sub(width + left);
        let bottom = self.height.saturating_sub(height + top);
        let (x, y) = match place {
            Place::TopLeft => (left, top),
            Place::Top => (middle(self.width, width), top),
            Place::TopRight => (right, top),
            Place::Middle => (middle(self.width, width), middle(self.height, height)),
            Place::BottomLeft => (left, bottom),
            Place::Bottom => (middle(self.width, width), bottom),
            Place::BottomRight => (right, bottom),
        };
        (x.next_multiple_of(2).min(self.width & !1), y.next_multiple_of(2).min(self.height & !1))
    }
}
