//! One picture over another: what a dissolve shows, and what a scene is drawn on.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

/// Full weight of the new picture.
pub(crate) const WHOLE: u32 = 256;

/// `old` and `new` mixed, the new one with `weight` of [`WHOLE`]. None if one of them is no picture of this format.
pub(crate) fn blend(
    info: &gst_video::VideoInfo,
    old: &gst::Buffer,
    new: &gst::Buffer,
    weight: u32,
) -> Option<gst::Buffer> {
    let old = gst_video::VideoFrameRef::from_buffer_ref_readable(old, info).ok()?;
    let new = gst_video::VideoFrameRef::from_buffer_ref_readable(new, info).ok()?;
    let (fresh, stale) = (weight.min(WHOLE), WHOLE - weight.min(WHOLE));
    draw(info, |plane, row, line| {
        let (old, new) = (row_of(&old, plane, row)?, row_of(&new, plane, row)?);
        for ((pixel, old), new) in line.iter_mut().zip(old).zip(new) {
            *pixel = ((u32::from(*old) * stale + u32::from(*new) * fresh + WHOLE / 2) / WHOLE) as u8;
        }
        Some(())
    })
}

/// A copy of `picture` with planes as its format has them.
pub(crate) fn copy(info: &gst_video::VideoInfo, picture: &gst::Buffer) -> Option<gst::Buffer> {
    let from = gst_video::VideoFrameRef::from_buffer_ref_readable(picture, info).ok()?;
    draw(info, |plane, row, line| {
        let source = row_of(&from, plane, row)?;
        line.get_mut(..source.len())?.copy_from_slice(source);
        Some(())
    })
}

/// A picture of one colour.
pub(crate) fn flat(info: &gst_video::VideoInfo, colour: [u8; 3]) -> Option<gst::Buffer> {
    draw(info, |plane, _, line| {
        line.fill(*colour.get(plane as usize)?);
        Some(())
    })
}

fn row_of<T>(frame: &gst_video::VideoFrameRef<T>, plane: u32, row: usize) -> Option<&[u8]> {
    let stride = usize::try_from(*frame.plane_stride().get(plane as usize)?).ok()?;
    let width = frame.comp_width(plane) as usize;
    frame.plane_data(plane).ok()?.get(row * stride..)?.get(..width)
}

/// A new picture whose rows are made by `paint(plane, row, pixels)`.
fn draw(
    info: &gst_video::VideoInfo,
    mut paint: impl FnMut(u32, usize, &mut [u8]) -> Option<()>,
) -> Option<gst::Buffer> {
    let mut buffer = gst::Buffer::with_size(info.size()).ok()?;
    {
        let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer.get_mut()?, info).ok()?;
        for plane in 0..info.n_planes() {
            let stride = usize::try_from(*frame.plane_stride().get(plane as usize)?).ok()?;
            let (width, height) = (frame.comp_width(plane) as usize, frame.comp_height(plane) as usize);
            let data = frame.plane_data_mut(plane).ok()?;
            for row in 0..height {
                paint(plane, row, data.get_mut(row * stride..)?.get_mut(..width)?)?;
            }
        }
    }
    Some(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dissolve_goes_from_the_old_to_the_new() {
        gst::init().unwrap();
        // An odd width, so that rows have padding.
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 35, 20).build().unwrap();
        let (old, new) = (flat(&info, [16, 90, 200]).unwrap(), flat(&info, [216, 90, 0]).unwrap());
        for (weight, expected) in [(0, [16, 90, 200]), (64, [66, 90, 150]), (WHOLE, [216, 90, 0])] {
            let mixed = blend(&info, &old, &new, weight).unwrap();
            let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&mixed, &info).unwrap();
            for plane in 0..3 {
                let row = row_of(&frame, plane, 3).unwrap();
                assert!(row.iter().all(|pixel| *pixel == expected[plane as usize]), "{weight} {plane} {row:?}");
            }
        }
        let other = gst::Buffer::with_size(7).unwrap();
        assert!(blend(&info, &old, &other, 10).is_none());
    }
}
