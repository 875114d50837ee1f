//! A look at a picture: how much of it is black, and how much has changed. A grid of samples is enough, and costs some
//! microseconds; it runs on the source's own thread.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use crate::media::encode::picture_caps;
use crate::model::{ProgramFormat, SignalThresholds, TriggerAction};

const COLUMNS: usize = 96;
const ROWS: usize = 54;
/// A picture is black if this share of it is, in thousandths: a clock or a logo may remain.
const BLACK_SHARE: usize = 985;
/// Luma that differs by more than this has changed; less is what coding leaves of a still picture.
const CHANGE: u8 = 6;

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) black: bool,
    pub(crate) still: bool,
}

/// Remembers the picture that others are compared with: the last one that had changed, so that a slow pan adds up.
#[derive(Debug)]
pub(crate) struct Look {
    info: Option<gst_video::VideoInfo>,
    black_luma: u8,
    /// Samples that must have changed for the picture not to stand still.
    moving: usize,
    reference: Vec<u8>,
    grid: Vec<u8>,
}

impl Look {
    /// None if nobody wants to know.
    pub(crate) fn new(format: &ProgramFormat, thresholds: &SignalThresholds) -> Option<Self> {
        let wanted = [thresholds.black, thresholds.freeze].iter().any(|t| t.action != TriggerAction::Off);
        let moving = ((COLUMNS * ROWS) as f64 * thresholds.freeze_percent / 100.0).ceil().max(1.0) as usize;
        wanted.then(|| Self {
            info: gst_video::VideoInfo::from_caps(&picture_caps(format)).ok(),
            black_luma: thresholds.black_luma,
            moving,
            reference: Vec::new(),
            grid: Vec::with_capacity(COLUMNS * ROWS),
        })
    }

    /// Another connection: nothing to compare with.
    pub(crate) fn begin(&mut self) {
        self.reference.clear();
    }

    /// Looks at a picture in program format; none if it cannot be read.
    pub(crate) fn at(&mut self, picture: &gst::Buffer) -> Option<Sight> {
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(picture, self.info.as_ref()?).ok()?;
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let stride = usize::try_from(frame.plane_stride().first().copied()?).ok()?;
        let luma = frame.plane_data(0).ok()?;
        self.grid.clear();
        for row in 0..ROWS {
            let line = luma.get((2 * row + 1) * height / (2 * ROWS) * stride..)?.get(..width)?;
            // Every other row is shifted by half a cell: thin upright things are not missed.
            let shift = row % 2;
            let columns = (0..COLUMNS).map(|column| (2 * column + shift) * width / (2 * COLUMNS));
            self.grid.extend(columns.map(|x| line[x]));
        }
        Some(self.judge())
    }

    fn judge(&mut self) -> Sight {
        let black = self.grid.iter().filter(|luma| **luma <= self.black_luma).count();
        let changed = self.grid.iter().zip(&self.reference).filter(|(now, then)| now.abs_diff(**then) > CHANGE).count();
        let still = !self.reference.is_empty() && changed < self.moving;
        if !still {
            std::mem::swap(&mut self.reference, &mut self.grid);
        }
        Sight { black: black * 1000 >= COLUMNS * ROWS * BLACK_SHARE, still }
    }
}

/// Level of interleaved samples: RMS of the loudest channel, dBFS.
pub(crate) fn level_dbfs(samples: &[f32], channels: usize) -> f64 {
    let frames = (samples.len() / channels).max(1) as f64;
    let power = |channel: usize| {
        let own = samples.iter().skip(channel).step_by(channels);
        own.map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / frames
    };
    let loudest = (0..channels).map(power).fold(0.0, f64::max);
    10.0 * loudest.max(1e-20).log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AudioFormat, FrameRate, PictureSize, Trigger};

    fn format() -> ProgramFormat {
        ProgramFormat {
            size: PictureSize::new(320, 180).unwrap(),
            frame_rate: FrameRate::new(25, 1).unwrap(),
            audio: AudioFormat { sample_rate: 48_000, channels: 2 },
        }
    }

    fn limits() -> SignalThresholds {
        let on = Trigger { action: TriggerAction::Failover, enter_ms: 2000, clear_ms: 1000 };
        SignalThresholds {
            black: on,
            black_luma: 32,
            freeze: on,
            freeze_percent: 0.2,
            silence: on,
            silence_dbfs: -60.0,
            ..SignalThresholds::default()
        }
    }

    /// A picture whose luma is what `luma` says of each pixel.
    fn picture(mut luma: impl FnMut(usize, usize) -> u8) -> gst::Buffer {
        let mut bytes: Vec<u8> = (0..320 * 180).map(|i| luma(i % 320, i / 320)).collect();
        bytes.resize(320 * 180 * 3 / 2, 128);
        gst::Buffer::from_mut_slice(bytes)
    }

    #[test]
    fn black_is_black_with_a_clock_in_it_and_a_dark_scene_is_not() {
        gst::init().unwrap();
        let mut look = Look::new(&format(), &limits()).unwrap();
        let clock = |x: usize, y: usize| if x > 290 && y > 165 { 235 } else { 16 + (x % 7) as u8 };
        assert!(look.at(&picture(clock)).unwrap().black);
        let dark = |x: usize, y: usize| if (100..160).contains(&x) && y > 90 { 60 } else { 20 };
        assert!(!look.at(&picture(dark)).unwrap().black);
    }

    #[test]
    fn noise_moves_coded_stills_do_not_and_a_slow_pan_adds_up() {
        gst::init().unwrap();
        let mut look = Look::new(&format(), &limits()).unwrap();
        let mut random = fastrand::Rng::with_seed(4);
        for frame in 0..50 {
            let noise = look.at(&picture(|_, _| random.u8(90..120))).unwrap();
            assert!(frame == 0 || !noise.still);
        }
        look.at(&picture(|x, _| x as u8));
        for frame in 0..50 {
            let coded = look.at(&picture(|x, y| (x as u8).saturating_add(((x * 7 + y + frame) % 4) as u8))).unwrap();
            assert!(coded.still, "{frame}");
        }
        let still = (0..100).filter(|frame| look.at(&picture(|x, _| (x + frame / 4) as u8)).unwrap().still).count();
        assert!((50..98).contains(&still), "a pan of a pixel in four frames moves now and then: {still}");
    }

    #[test]
    fn the_loudest_channel_counts() {
        let half = [0.5f32, 0.0].repeat(480);
        assert!((level_dbfs(&half, 2) + 6.02).abs() < 0.01);
        assert!(level_dbfs(&[0.0; 960], 2) < -150.0);
        assert!(level_dbfs(&[], 2) < -150.0);
    }
}
