//! What is blended on every tick: planes in the program's own colours, multiplied by alpha beforehand.

use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

use super::canvas::Canvas;

/// I420 planes with alpha at both resolutions. Width and height are even.
#[derive(Debug)]
pub(super) struct Sprite {
    pub(super) width: usize,
    pub(super) height: usize,
    luma: Vec<u8>,
    luma_alpha: Vec<u8>,
    chroma: [Vec<u8>; 2],
    chroma_alpha: Vec<u8>,
}

impl Sprite {
    /// Converts to BT.709, limited range (Rec. ITU-R BT.709-6, 3 and 4); `opacity` from 0 to 1. An odd side gets one
    /// more row or column of nothing.
    pub(super) fn new(canvas: &Canvas, opacity: f32) -> Self {
        let (width, height) = (canvas.width.next_multiple_of(2), canvas.height.next_multiple_of(2));
        let mut sprite = Self {
            width,
            height,
            luma: Vec::with_capacity(width * height),
            luma_alpha: Vec::with_capacity(width * height),
            chroma: Default::default(),
            chroma_alpha: Vec::with_capacity(width * height / 4),
        };
        // Blue, green, red, alpha of a place, from 0 to 255.
        let at = |x: usize, y: usize| match x < canvas.width && y < canvas.height {
            true => canvas.pixels[y * canvas.width + x].map(|value| f32::from(value) * opacity),
            false => [0.0; 4],
        };
        let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            let [blue, green, red, alpha] = at(x, y);
            sprite.luma.push(byte(16.0 / 255.0 * alpha + 0.1826 * red + 0.6142 * green + 0.0620 * blue));
            sprite.luma_alpha.push(byte(alpha));
        }
        for (x, y) in (0..height).step_by(2).flat_map(|y| (0..width).step_by(2).map(move |x| (x, y))) {
            let four = [at(x, y), at(x + 1, y), at(x, y + 1), at(x + 1, y + 1)];
            let [blue, green, red, alpha] =
                std::array::from_fn(|n| four.iter().map(|pixel| pixel[n]).sum::<f32>() / 4.0);
            let middle = 128.0 / 255.0 * alpha;
            sprite.chroma[0].push(byte(middle - 0.1006 * red - 0.3386 * green + 0.4392 * blue));
            sprite.chroma[1].push(byte(middle + 0.4392 * red - 0.3989 * green - 0.0403 * blue));
            sprite.chroma_alpha.push(byte(alpha));
        }
        sprite
    }

    /// Lays it over an I420 frame with its corner at `x`, `y` (both even); what sticks out is cut.
    pub(super) fn blend(&self, frame: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>, x: usize, y: usize) {
        let (across, down) = (frame.width() as usize, frame.height() as usize);
        let planes = [(&self.luma, &self.luma_alpha, 0), (&self.chroma[0], &self.chroma_alpha, 1)];
        for (plane, (values, alphas, shift)) in
            planes.into_iter().chain([(&self.chroma[1], &self.chroma_alpha, 1)]).enumerate()
        {
            let stride = frame.plane_stride()[plane] as usize;
            let Ok(data) = frame.plane_data_mut(plane as u32) else { return };
            let (left, top) = (x >> shift, y >> shift);
            let (own, room) = (self.width >> shift, (across >> shift).saturating_sub(left));
            let rows = values.chunks_exact(own.max(1)).zip(alphas.chunks_exact(own.max(1)));
            for (n, (values, alphas)) in rows.enumerate().take((down >> shift).saturating_sub(top)) {
                let start = (top + n) * stride + left;
                let Some(row) = data.get_mut(start..start + own.min(room)) else { return };
                for ((under, over), alpha) in row.iter_mut().zip(values).zip(alphas) {
                    // x / 255, rounded, without a division.
                    let rest = u16::from(*under) * u16::from(255 - alpha) + 128;
                    *under = over.saturating_add(((rest + (rest >> 8)) >> 8) as u8);
                }
            }
        }
    }
}
