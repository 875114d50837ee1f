//! What has to be done to the pictures of one kind of caps.

use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

use super::geometry::{Placement, Rect, Shape, Turn, place};
use super::planes::{blacken, over_black, turn_into};
use super::{LARGEST, NotNormal};
use crate::model::{Fit, ProgramFormat};

/// From this many pixels on, two threads convert: one alone falls behind.
const TWO_THREADS: u64 = 2560 * 1440;

type Frame<'a> = gst_video::VideoFrameRef<&'a gst::BufferRef>;
type FrameMut<'a> = gst_video::VideoFrameRef<&'a mut gst::BufferRef>;

/// See the module.
pub(super) enum Job {
    /// It is in program format already.
    Same,
    /// One conversion, straight into its place.
    Convert(Box<Conversion>),
    /// A conversion into pictures of its own, and what follows.
    Turn { conversion: Box<Conversion>, turn: Turn, to: Rect },
}

pub(super) struct Conversion {
    input: gst_video::VideoInfo,
    output: gst_video::VideoInfo,
    converter: gst_video::VideoConverter,
}

impl Job {
    pub(super) fn new(
        caps: &gst::Caps,
        program: &ProgramFormat,
        out: &gst_video::VideoInfo,
        fit: Fit,
        turn: Turn,
    ) -> Result<Self, NotNormal> {
        let format = |error: gst::glib::BoolError| NotNormal::Format(error.message.to_string());
        let info = gst_video::VideoInfo::from_caps(caps).map_err(format)?;
        if info.width() > LARGEST || info.height() > LARGEST {
            return Err(NotNormal::TooLarge(info.width(), info.height()));
        }
        let par = info.par();
        let pixel = (par.numer().unsigned_abs(), par.denom().unsigned_abs());
        let shape = Shape { width: info.width(), height: info.height(), pixel };
        let placement = place(shape, turn, program.size, fit);
        let whole = placement.to.width == out.width() && placement.to.height == out.height();
        let equal = info.format() == out.format()
            && (info.width(), info.height()) == (out.width(), out.height())
            && info.colorimetry() == out.colorimetry()
            && whole;
        if equal && turn.is_none() {
            return Ok(Job::Same);
        }
        // The frame rate and fields are not the converter's business.
        let input = gst_video::VideoInfo::builder_from_info(&info)
            .fps(out.fps())
            .interlace_mode(gst_video::VideoInterlaceMode::Progressive)
            .build()
            .map_err(format)?;
        let alpha = info.format_info().has_alpha();
        if turn.is_none() && !alpha {
            return Ok(Job::Convert(Box::new(Conversion::new(input, out.clone(), placement).map_err(format)?)));
        }
        let Rect { width, height, .. } = placement.to;
        let (width, height) = if turn.lies_down() { (height, width) } else { (width, height) };
        let kind = if alpha { gst_video::VideoFormat::A420 } else { gst_video::VideoFormat::I420 };
        let between = gst_video::VideoInfo::builder(kind, width, height)
            .fps(out.fps())
            .colorimetry(&out.colorimetry())
            .chroma_site(out.chroma_site())
            .build()
            .map_err(format)?;
        let to = Rect { x: 0, y: 0, width, height };
        let conversion = Conversion::new(input, between, Placement { from: placement.from, to }).map_err(format)?;
        Ok(Job::Turn { conversion: Box::new(conversion), turn, to: placement.to })
    }

    /// Makes of `picture` one in program format, in `result`.
    pub(super) fn run(
        &self,
        picture: &gst::Buffer,
        out: &gst_video::VideoInfo,
        mut result: gst::Buffer,
    ) -> Result<gst::Buffer, NotNormal> {
        {
            let target = result.get_mut().ok_or(NotNormal::Memory)?;
            let mut target = writable(target, out)?;
            match self {
                Job::Same => readable(picture, out)?.copy(&mut target).map_err(|_| NotNormal::Memory)?,
                Job::Convert(conversion) => conversion.run(picture, &mut target)?,
                Job::Turn { conversion, turn, to } => {
                    let mut between =
                        gst::Buffer::with_size(conversion.output.size()).map_err(|_| NotNormal::Memory)?;
                    let between = between.get_mut().ok_or(NotNormal::Memory)?;
                    let mut between = writable(between, &conversion.output)?;
                    conversion.run(picture, &mut between)?;
                    if between.format_info().has_alpha() {
                        over_black(&mut between);
                    }
                    blacken(&mut target);
                    turn_into(&between, *turn, &mut target, *to);
                }
            }
        }
        Ok(result)
    }
}

impl Conversion {
    fn new(
        input: gst_video::VideoInfo,
        output: gst_video::VideoInfo,
        place: Placement,
    ) -> Result<Self, gst::glib::BoolError> {
        let mut config = gst_video::VideoConverterConfig::new();
        let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        config.set_src_x(number(place.from.x));
        config.set_src_y(number(place.from.y));
        config.set_src_width(Some(number(place.from.width)));
        config.set_src_height(Some(number(place.from.height)));
        config.set_dest_x(number(place.to.x));
        config.set_dest_y(number(place.to.y));
        config.set_dest_width(Some(number(place.to.width)));
        config.set_dest_height(Some(number(place.to.height)));
        config.set_fill_border(true);
        config.set_border_argb(0xff00_0000);
        config.set_resampler_method(gst_video::VideoResamplerMethod::Linear);
        if u64::from(input.width()) * u64::from(input.height()) >= TWO_THREADS {
            config.set_threads(2);
        }
        if is_wide(&input.colorimetry()) {
            // Otherwise its colours come out pale. Costs a multiple; the pictures of other primaries differ too little.
            config.set_gamma_mode(gst_video::VideoGammaMode::Remap);
            config.set_primaries_mode(gst_video::VideoPrimariesMode::Fast);
        }
        let converter = gst_video::VideoConverter::new(&input, &output, Some(config))?;
        Ok(Self { input, output, converter })
    }

    fn run(&self, picture: &gst::Buffer, target: &mut FrameMut<'_>) -> Result<(), NotNormal> {
        self.converter.frame_ref(&readable(picture, &self.input)?, target);
        Ok(())
    }
}

/// BT.2020 with an ordinary transfer function. HDR (PQ, HLG) would need tone mapping: its matrix is converted, no more.
fn is_wide(colours: &gst_video::VideoColorimetry) -> bool {
    use gst_video::VideoTransferFunction::{AribStdB67, Smpte2084};
    colours.primaries() == gst_video::VideoColorPrimaries::Bt2020
        && ![AribStdB67, Smpte2084].contains(&colours.transfer())
}

fn readable<'a>(buffer: &'a gst::Buffer, info: &gst_video::VideoInfo) -> Result<Frame<'a>, NotNormal> {
    gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, info)
        .map_err(|error| NotNormal::Damaged(error.message.to_string()))
}

fn writable<'a>(buffer: &'a mut gst::BufferRef, info: &gst_video::VideoInfo) -> Result<FrameMut<'a>, NotNormal> {
    gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, info).map_err(|_| NotNormal::Memory)
}
