//! Arithmetic on I420 planes: black, alpha over black, turning.

use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

use super::geometry::{Rect, Turn};

type FrameMut<'a> = gst_video::VideoFrameRef<&'a mut gst::BufferRef>;

/// Luma and chroma of black, limited range.
const BLACK: [u8; 3] = [16, 128, 128];

pub(super) fn blacken(frame: &mut FrameMut<'_>) {
    for (plane, value) in BLACK.into_iter().enumerate() {
        if let Ok(data) = frame.plane_data_mut(plane as u32) {
            data.fill(value);
        }
    }
}

/// Mixes an A420 picture with black, in place.
pub(super) fn over_black(frame: &mut FrameMut<'_>) {
    let strides: Vec<usize> = frame.plane_stride().iter().map(|stride| *stride as usize).collect();
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let [luma, cb, cr, alpha] = frame.planes_data_mut();
    for y in 0..height {
        let Some(alphas) = alpha.get(y * strides[3]..y * strides[3] + width) else { return };
        if let Some(row) = luma.get_mut(y * strides[0]..y * strides[0] + width) {
            row.iter_mut().zip(alphas).for_each(|(pixel, alpha)| *pixel = faded(*pixel, BLACK[0], *alpha));
        }
        if y % 2 == 1 {
            continue;
        }
        for (plane, stride) in [(&mut *cb, strides[1]), (&mut *cr, strides[2])] {
            let start = y / 2 * stride;
            if let Some(row) = plane.get_mut(start..start + width.div_ceil(2)) {
                row.iter_mut().zip(alphas.iter().step_by(2)).for_each(|(pixel, alpha)| {
                    *pixel = faded(*pixel, BLACK[1], *alpha);
                });
            }
        }
    }
}

fn faded(pixel: u8, ground: u8, alpha: u8) -> u8 {
    let (pixel, ground, alpha) = (i32::from(pixel), i32::from(ground), i32::from(alpha));
    (ground + ((pixel - ground) * alpha) / 255) as u8
}

/// Puts `source` (I420, or A420 whose alpha is done with) into `to` of `target`, turned. `to` has the size of the
/// turned picture.
pub(super) fn turn_into(source: &FrameMut<'_>, turn: Turn, target: &mut FrameMut<'_>, to: Rect) {
    for plane in 0..3u32 {
        let shift = u32::from(plane > 0);
        let (from_stride, into_stride) =
            (source.plane_stride()[plane as usize] as usize, target.plane_stride()[plane as usize] as usize);
        let (width, height) = ((to.width >> shift) as usize, (to.height >> shift) as usize);
        let (left, top) = ((to.x >> shift) as usize, (to.y >> shift) as usize);
        let (Ok(from), Ok(into)) = (source.plane_data(plane), target.plane_data_mut(plane)) else { return };
        // The size of the picture before it is turned.
        let (across, down) = if turn.lies_down() { (height, width) } else { (width, height) };
        for y in 0..height {
            let start = (top + y) * into_stride + left;
            let Some(row) = into.get_mut(start..start + width) else { return };
            for (x, pixel) in row.iter_mut().enumerate() {
                let (u, v) = match turn.quarters {
                    0 => (x, y),
                    1 => (y, down - 1 - x),
                    2 => (across - 1 - x, down - 1 - y),
                    _ => (across - 1 - y, x),
                };
                let u = if turn.mirror { across - 1 - u } else { u };
                if let Some(value) = from.get(v * from_stride + u) {
                    *pixel = *value;
                }
            }
        }
    }
}
