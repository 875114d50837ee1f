//! Two sources in one picture: side by side, or one small in a corner of the other. Costs nothing while there is no scene;
//! a picture is drawn only when one of its two has changed.

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::blend;
use super::select::Arrangement;
use crate::model::{Corner, Layout};

/// Behind two pictures side by side: the dark blue of the slate.
const GROUND: [u8; 3] = [34, 138, 120];
/// Scenes whose scalers are kept: the one on air, the one that is left, the one in preview.
const KEPT: usize = 3;

/// A rectangle in pixels, on whole chroma samples.
type Place = (u32, u32, u32, u32);

/// Where the two pictures go.
fn places(arrangement: Arrangement, width: u32, height: u32) -> (Place, Place) {
    let even = |pixels: u32| pixels & !1;
    match arrangement.layout {
        Layout::SideBySide => {
            let (half, tall) = (even(width / 2).max(2), even(height / 2).max(2));
            let top = even((height - tall) / 2);
            ((0, top, half, tall), (half, top, half, tall))
        }
        Layout::Pip => {
            let part = |side: u32| even(side * u32::from(arrangement.size_percent) / 100).max(2);
            let (small, low) = (part(width), part(height));
            // Within the inner 93 % of the picture (EBU R 95, action safe).
            let (edge, rim) = (even(width * 35 / 1000), even(height * 35 / 1000));
            let (left, right) = (edge, even(width.saturating_sub(small + edge)));
            let (top, bottom) = (rim, even(height.saturating_sub(low + rim)));
            let (x, y) = match arrangement.corner {
                Corner::TopLeft => (left, top),
                Corner::TopRight => (right, top),
                Corner::BottomLeft => (left, bottom),
                Corner::BottomRight => (right, bottom),
            };
            ((0, 0, width, height), (x, y, small, low))
        }
    }
}

/// Draws one arrangement.
struct Composer {
    arrangement: Arrangement,
    /// None where the picture is taken as it is.
    scalers: [Option<gst_video::VideoConverter>; 2],
    /// The last two pictures, and what became of them.
    last: Option<[gst::Buffer; 3]>,
}

impl Composer {
    fn new(info: &gst_video::VideoInfo, arrangement: Arrangement) -> Option<Self> {
        let (first, second) = places(arrangement, info.width(), info.height());
        let whole = (0, 0, info.width(), info.height());
        let scaler = |place: Place| -> Option<Option<gst_video::VideoConverter>> {
            if place == whole {
                return Some(None);
            }
            let mut config = gst_video::VideoConverterConfig::new();
            config.set_dest_x(i32::try_from(place.0).ok()?);
            config.set_dest_y(i32::try_from(place.1).ok()?);
            config.set_dest_width(i32::try_from(place.2).ok());
            config.set_dest_height(i32::try_from(place.3).ok());
            config.set_fill_border(false);
            config.set_resampler_method(gst_video::VideoResamplerMethod::Linear);
            gst_video::VideoConverter::new(info, info, Some(config)).ok().map(Some)
        };
        Some(Self { arrangement, scalers: [scaler(first)?, scaler(second)?], last: None })
    }

    fn compose(&mut self, info: &gst_video::VideoInfo, pictures: [&gst::Buffer; 2]) -> Option<gst::Buffer> {
        if let Some([first, second, whole]) = &self.last
            && first.as_ptr() == pictures[0].as_ptr()
            && second.as_ptr() == pictures[1].as_ptr()
        {
            return Some(whole.clone());
        }
        let mut ground = match &self.scalers[0] {
            None => blend::copy(info, pictures[0])?,
            Some(_) => blend::flat(info, GROUND)?,
        };
        for (scaler, picture) in self.scalers.iter().zip(pictures) {
            let Some(scaler) = scaler else { continue };
            let from = gst_video::VideoFrameRef::from_buffer_ref_readable(picture, info).ok()?;
            let mut to = gst_video::VideoFrameRef::from_buffer_ref_writable(ground.get_mut()?, info).ok()?;
            scaler.frame_ref(&from, &mut to);
        }
        self.last = Some([pictures[0].clone(), pictures[1].clone(), ground.clone()]);
        Some(ground)
    }
}

/// Draws scenes of any arrangement.
pub(crate) struct Scenes {
    info: Option<gst_video::VideoInfo>,
    composers: Vec<Composer>,
}

impl Scenes {
    pub(crate) fn new(info: Option<gst_video::VideoInfo>) -> Self {
        Self { info, composers: Vec::new() }
    }

    /// Both pictures in one; none if they are no pictures of the program's format.
    pub(crate) fn compose(&mut self, arrangement: Arrangement, pictures: [&gst::Buffer; 2]) -> Option<gst::Buffer> {
        let info = self.info.as_ref()?;
        let place = match self.composers.iter().position(|composer| composer.arrangement == arrangement) {
            Some(place) => place,
            None => {
                if self.composers.len() == KEPT {
                    self.composers.remove(0);
                }
                self.composers.push(Composer::new(info, arrangement)?);
                self.composers.len() - 1
            }
        };
        self.composers[place].compose(info, pictures)
    }

    /// No scene is shown: the scalers and their pictures are let go.
    pub(crate) fn rest(&mut self) {
        self.composers.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gstreamer_video::prelude::*;

    fn arrangement(layout: Layout, corner: Corner) -> Arrangement {
        Arrangement { layout, corner, size_percent: 30 }
    }

    fn luma(info: &gst_video::VideoInfo, picture: &gst::Buffer, x: usize, y: usize) -> u8 {
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(picture, info).unwrap();
        frame.plane_data(0).unwrap()[y * frame.plane_stride()[0] as usize + x]
    }

    #[test]
    fn both_pictures_are_where_they_belong() {
        gst::init().unwrap();
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 320, 180).build().unwrap();
        let (host, guest) = (blend::flat(&info, [200, 128, 128]).unwrap(), blend::flat(&info, [80, 128, 128]).unwrap());
        let mut scenes = Scenes::new(Some(info.clone()));
        let side = scenes.compose(arrangement(Layout::SideBySide, Corner::TopLeft), [&host, &guest]).unwrap();
        assert_eq!([luma(&info, &side, 80, 90), luma(&info, &side, 240, 90)], [200, 80]);
        assert_eq!([luma(&info, &side, 80, 10), luma(&info, &side, 240, 170)], [GROUND[0]; 2]);
        for (corner, x, y) in [(Corner::TopLeft, 50, 30), (Corner::BottomRight, 270, 150), (Corner::TopRight, 270, 30)]
        {
            let pip = scenes.compose(arrangement(Layout::Pip, corner), [&host, &guest]).unwrap();
            assert_eq!([luma(&info, &pip, x, y), luma(&info, &pip, 160, 90)], [80, 200], "{corner:?}");
        }
    }

    #[test]
    fn nothing_is_drawn_again_while_nothing_moves() {
        gst::init().unwrap();
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 64, 36).build().unwrap();
        let pictures = [40, 50].map(|luma| blend::flat(&info, [luma, 128, 128]).unwrap());
        let mut scenes = Scenes::new(Some(info));
        let shape = arrangement(Layout::Pip, Corner::BottomLeft);
        let first = scenes.compose(shape, [&pictures[0], &pictures[1]]).unwrap();
        let again = scenes.compose(shape, [&pictures[0], &pictures[1]]).unwrap();
        let other = scenes.compose(shape, [&pictures[1], &pictures[1]]).unwrap();
        assert!(first.as_ptr() == again.as_ptr() && first.as_ptr() != other.as_ptr());
    }

    #[test]
    fn small_programs_have_room_for_scenes() {
        for (width, height) in [(16, 16), (426, 240), (1920, 1080)] {
            for layout in [Layout::SideBySide, Layout::Pip] {
                let (first, second) = places(arrangement(layout, Corner::BottomRight), width, height);
                for (x, y, w, h) in [first, second] {
                    assert!(x + w <= width && y + h <= height && w >= 2 && h >= 2, "{width} {layout:?}");
                }
            }
        }
    }
}
