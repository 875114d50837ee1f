//! What an encoder costs on this box: processor time for moving pictures that are not easy.

use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::choose::make;
use super::codec::encoded_caps;
use super::format::raw_caps;
use crate::media::init::{bounded, element};
use crate::model::{FrameRate, PictureSize};
use crate::plan::{EncoderPlan, VideoRenditionPlan};

/// Pictures that are encoded; the first ones, with the start of the encoder, weigh little among them.
const PICTURES: u64 = 90;
/// An encoder so slow is of no use.
const BOUND: Duration = Duration::from_secs(60);

/// Processor seconds per thousand megapixels of this candidate, user and system, of all its threads; a sentence if it
/// does not work here. Nothing else should run in this process meanwhile.
pub fn measure_cost(rendition: &VideoRenditionPlan, plan: &EncoderPlan, rate: FrameRate) -> Result<f64, String> {
    // On the safe side: what an upload saves is not counted.
    let plan = &plan.in_ordinary_memory();
    let (encoder, before) = make(rendition, plan, rate)?;
    let wrong = |error: &dyn std::fmt::Display| format!("cannot be measured: {error}");
    let pipeline = gst::Pipeline::new();
    let source = gst_app::AppSrc::builder()
        .caps(&raw_caps(&plan.input_format, rendition.size, rate))
        .format(gst::Format::Time)
        .max_buffers(0)
        .max_bytes(0)
        .build();
    let encoded = element("capsfilter", "encoded").map_err(|error| wrong(&error))?;
    encoded.set_property("caps", encoded_caps(plan));
    let sink = element("fakesink", "sink").map_err(|error| wrong(&error))?;
    let mut chain = vec![source.clone().upcast()];
    chain.extend(before);
    chain.extend([encoder, encoded, sink]);
    pipeline.add_many(&chain).map_err(|error| wrong(&error))?;
    gst::Element::link_many(&chain).map_err(|error| wrong(&error))?;
    let pictures = pictures(rendition.size);
    for n in 0..PICTURES {
        let mut picture = pictures[n as usize % pictures.len()].copy();
        let time = gst::ClockTime::from_nseconds(rate.frame_nanos() * n);
        picture.make_mut().set_pts(time);
        let _ = source.push_buffer(picture);
    }
    let _ = source.end_of_stream();
    let bus = pipeline.bus().ok_or("has no bus")?;
    let playing = pipeline.clone();
    let run = move || {
        let began = processor_time();
        let started = playing.set_state(gst::State::Playing);
        let bound = gst::ClockTime::from_nseconds(BOUND.as_nanos() as u64);
        let end = bus.timed_pop_filtered(bound, &[gst::MessageType::Eos, gst::MessageType::Error]);
        let took = processor_time().saturating_sub(began);
        let done = started.is_ok() && end.is_some_and(|end| end.type_() == gst::MessageType::Eos);
        let _ = playing.set_state(gst::State::Null);
        done.then_some(took)
    };
    let took = bounded(BOUND * 2, run).flatten().ok_or("does not encode")?;
    let pixels = f64::from(rendition.size.width()) * f64::from(rendition.size.height()) * PICTURES as f64;
    Ok(took.as_secs_f64() * 1e9 / pixels)
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A second of soft structure that moves, with some noise: about as hard as a camera.
fn pictures(size: PictureSize) -> Vec<gst::Buffer> {
    let (w, h) = (size.width() as usize, size.height() as usize);
    let mut noise = 0x2545_f491_u32;
    let picture = |n: usize| {
        let mut data = vec![128u8; w * h * 3 / 2];
        for (at, pixel) in data[..w * h].iter_mut().enumerate() {
            let (x, y) = ((at % w + n * 3) as f32, (at / w + n) as f32);
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (noise >> 29) as f32;
            *pixel = (118.0 + 50.0 * (x / 23.0).sin() * (y / 17.0).cos() + 20.0 * ((x + y) / 5.0).sin() + grain) as u8;
        }
        gst::Buffer::from_mut_slice(data)
    };
    (0..30).map(picture).collect()
}
