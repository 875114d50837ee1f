//! Which encoder a rendition gets: the first candidate that exists, takes its settings and encodes here.

use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use serde_json::Value;

use super::codec::{asked_of, encoded_caps};
use super::failure::EncodeFailure;
use super::format::raw_caps;
use super::memory::{given_format, memory_caps, way_in, ways};
use crate::media::MediaError;
use crate::media::init::{bounded, element};
use crate::model::{FrameRate, MediaTime, RenditionId};
use crate::plan::{EncoderPlan, VideoRenditionPlan};

/// A driver that takes longer to open its device, or to encode a few pictures, hangs.
const TRIAL_BOUND: Duration = Duration::from_secs(5);

/// Pictures encoded in a trial.
const TRIAL_PICTURES: i32 = 3;

/// The same while the rendition is off air.
const TRIAL_ON_AIR: Duration = Duration::from_millis(300);

/// The encoder of a rendition, and why better ones are not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The rendition.
    pub rendition: RenditionId,
    /// Element factory, such as `x264enc`.
    pub element: String,
    /// Hardware profile it comes from.
    pub profile: String,
    /// Whether it runs on hardware.
    pub hardware: bool,
    /// Candidates before it in the plan that do not work here.
    pub skipped: Vec<Skipped>,
    /// What failed on air before it.
    pub failed: Option<EncodeFailure>,
    /// Program time at which it took over, if it did on air.
    pub since: Option<MediaTime>,
    /// Its place among the candidates.
    pub(super) index: usize,
}

impl Choice {
    /// Notes that this one does not work either.
    pub(super) fn skip(&mut self, reason: &str) {
        let (element, profile) = (self.element.clone(), self.profile.clone());
        self.skipped.push(Skipped { element, profile, reason: reason.to_owned() });
    }
}

/// An encoder to build with; its elements are in state NULL.
pub(super) struct Found {
    pub element: gst::Element,
    /// In front of it.
    pub before: Vec<gst::Element>,
    pub plan: EncoderPlan,
    pub choice: Choice,
}

/// A candidate that does not work on this box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Element factory.
    pub element: String,
    /// Hardware profile it comes from.
    pub profile: String,
    /// Why, in words.
    pub reason: String,
}

/// The first candidate that works.
pub(super) fn choose(rendition: &VideoRenditionPlan, rate: FrameRate) -> Result<Found, MediaError> {
    let mut skipped = Vec::new();
    for (index, plan) in rendition.encoders.iter().enumerate() {
        for plan in ways(plan) {
            // The last has no alternative: a trial would only delay what its own start shows.
            let last = index + 1 == rendition.encoders.len() && plan.memory.is_none();
            let tried = if last { Ok(()) } else { trial(rendition, &plan, rate, TRIAL_BOUND) };
            match tried.and_then(|()| open(rendition, &plan, rate)) {
                Ok((element, before)) => {
                    let choice = choice(rendition, index, &plan, skipped, None);
                    return Ok(Found { element, before, plan, choice });
                }
                Err(reason) => skipped.push(passed_over(&plan, reason)),
            }
        }
    }
    let reasons: Vec<String> = skipped.iter().map(|s| format!("{} ({}): {}", s.element, s.profile, s.reason)).collect();
    let reasons = if reasons.is_empty() { "the plan names no candidate".to_owned() } else { reasons.join("; ") };
    Err(MediaError::NoEncoder { rendition: rendition.id.clone(), reasons })
}

/// The next candidate behind one that failed on air; none if there is none. There is no time: other hardware gets a
/// short trial, with pictures in ordinary memory, a sibling on the same hardware none at all, software is taken at its word.
pub(super) fn choose_after(
    rendition: &VideoRenditionPlan,
    rate: FrameRate,
    last: &Choice,
    failure: &EncodeFailure,
) -> Option<Found> {
    let mut skipped = last.skipped.clone();
    for (index, plan) in rendition.encoders.iter().enumerate().skip(last.index + 1) {
        let plan = &plan.in_ordinary_memory();
        let usable = match plan.hardware {
            true if plan.profile == last.profile => Err("is on the hardware that has just failed".to_owned()),
            true => trial(rendition, plan, rate, TRIAL_ON_AIR),
            false => Ok(()),
        };
        match usable.and_then(|()| make(rendition, plan, rate)) {
            Ok((element, before)) => {
                let choice = choice(rendition, index, plan, skipped, Some(failure.clone()));
                return Some(Found { element, before, plan: plan.clone(), choice });
            }
            Err(reason) => skipped.push(passed_over(plan, reason)),
        }
    }
    None
}

fn choice(
    rendition: &VideoRenditionPlan,
    index: usize,
    plan: &EncoderPlan,
    skipped: Vec<Skipped>,
    failed: Option<EncodeFailure>,
) -> Choice {
    let (element, profile, hardware) = (plan.element.clone(), plan.profile.clone(), plan.hardware);
    Choice { rendition: rendition.id.clone(), element, profile, hardware, skipped, failed, since: None, index }
}

fn passed_over(plan: &EncoderPlan, reason: String) -> Skipped {
    let reason = match &plan.memory {
        Some(memory) => format!("with pictures in {memory}: {reason}"),
        None => reason,
    };
    Skipped { element: plan.element.clone(), profile: plan.profile.clone(), reason }
}

/// The candidate with its settings, after it has opened its device once.
fn open(rendition: &VideoRenditionPlan, plan: &EncoderPlan, rate: FrameRate) -> Result<Made, String> {
    let (element, before) = make(rendition, plan, rate)?;
    let opening = element.clone();
    let ready = bounded(TRIAL_BOUND, move || {
        let opened = opening.set_state(gst::State::Ready).is_ok();
        // It is opened again with the graph; a device that cannot be closed shows then.
        let _ = opening.set_state(gst::State::Null);
        opened
    });
    match ready {
        Some(true) => Ok((element, before)),
        Some(false) => Err("does not open its device".to_owned()),
        None => Err(format!("does not open its device within {} s", TRIAL_BOUND.as_secs())),
    }
}

/// An encoder, and the elements in front of it.
pub(super) type Made = (gst::Element, Vec<gst::Element>);

pub(super) fn make(rendition: &VideoRenditionPlan, plan: &EncoderPlan, rate: FrameRate) -> Result<Made, String> {
    let factory = gst::ElementFactory::find(&plan.element).ok_or("not on this box: no driver or no hardware for it")?;
    let checked = plan.upload.is_empty() || plan.memory.is_some();
    if checked && !factory.can_sink_any_caps(&memory_caps(plan, rendition.size, rate)) {
        return Err(format!("does not take {} {} pictures", plan.input_format, rendition.size));
    }
    let element = factory
        .create()
        .name(format!("encoder-{}", rendition.id))
        .build()
        .map_err(|error| format!("cannot be created: {error}"))?;
    for (name, value) in &plan.properties {
        // Of drivers and cards, not every one has every property; profiles give old and new names.
        if plan.hardware && element.find_property(name).is_none() {
            tracing::info!(element = plan.element, property = name, "the element lacks a property of its profile");
            continue;
        }
        set_property(&element, name, value)?;
    }
    let upload = |(n, factory): (usize, &String)| {
        let name = format!("upload{n}-{}", rendition.id);
        let made = gst::ElementFactory::make(factory).name(name).build();
        let made = made.map_err(|_| format!("needs the element `{factory}`, which is not on this box"))?;
        // As where the processor scales: the ladder's author says the shape.
        if made.find_property("add-borders").is_some() {
            made.set_property("add-borders", false);
        }
        Ok(made)
    };
    let before = plan.upload.iter().enumerate().map(upload).collect::<Result<_, String>>()?;
    Ok((element, before))
}

/// Encodes a few pictures: many a driver opens its device and refuses the first of them.
fn trial(rendition: &VideoRenditionPlan, plan: &EncoderPlan, rate: FrameRate, most: Duration) -> Result<(), String> {
    let (encoder, before) = make(rendition, plan, rate)?;
    let pipeline = gst::Pipeline::new();
    let wrong = |error: &dyn std::fmt::Display| format!("cannot be tried: {error}");
    let build = |factory: &'static str, name| element(factory, name).map_err(|error| wrong(&error));
    let source = build("videotestsrc", "trial-source")?;
    source.set_property("num-buffers", TRIAL_PICTURES);
    let (raw, encoded, sink) =
        (build("capsfilter", "raw")?, build("capsfilter", "encoded")?, build("fakesink", "sink")?);
    raw.set_property("caps", raw_caps(given_format(plan), rendition.size, rate));
    encoded.set_property("caps", encoded_caps(plan));
    let mut chain = vec![source, raw];
    let sizes = (rendition.size, rendition.size);
    chain.extend(way_in("trial", plan, sizes, rate, before).map_err(|error| wrong(&error))?);
    chain.extend([encoder, encoded, sink]);
    pipeline.add_many(&chain).map_err(|error| wrong(&error))?;
    gst::Element::link_many(&chain).map_err(|_| format!("does not give {}", asked_of(plan)))?;
    bounded(most + most / 5, move || {
        let result = run_trial(&pipeline, most);
        // A device that cannot be closed shows when the next one opens it.
        let _ = pipeline.set_state(gst::State::Null);
        result
    })
    .unwrap_or_else(|| Err("hangs".to_owned()))
}

fn run_trial(pipeline: &gst::Pipeline, most: Duration) -> Result<(), String> {
    let bus = pipeline.bus().ok_or("has no bus")?;
    let started = pipeline.set_state(gst::State::Playing);
    let bound = gst::ClockTime::from_mseconds(if started.is_ok() { most.as_millis() as u64 } else { 0 });
    let end = bus.timed_pop_filtered(bound, &[gst::MessageType::Eos, gst::MessageType::Error]);
    match end.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Eos(_)) => Ok(()),
        Some(gst::MessageView::Error(error)) => Err(format!("does not encode: {}", error.error())),
        _ if started.is_err() => Err("does not open its device".to_owned()),
        _ => Err(format!("does not encode {TRIAL_PICTURES} pictures within {} ms", most.as_millis())),
    }
}

/// Sets a property from the plan; unlike GObject, refuses what does not exist, cannot be read or is out of range.
pub(super) fn set_property(element: &gst::Element, name: &str, value: &Value) -> Result<(), String> {
    let pspec = element.find_property(name).ok_or_else(|| format!("has no property `{name}`"))?;
    if !pspec.flags().contains(gst::glib::ParamFlags::WRITABLE) {
        return Err(format!("its property `{name}` cannot be set"));
    }
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let refused = || format!("its property `{name}` does not take `{text}`");
    let typed = gst::glib::Value::deserialize_with_pspec(&text, &pspec).map_err(|_| refused())?;
    if !in_range(&pspec, &typed) {
        return Err(refused());
    }
    element.set_property_from_value(name, &typed);
    Ok(())
}

/// GObject would clamp a number silently.
fn in_range(pspec: &gst::glib::ParamSpec, value: &gst::glib::Value) -> bool {
    macro_rules! check {
        ($($spec:ident: $number:ty),*) => {
            $(if let Some(spec) = pspec.downcast_ref::<gst::glib::$spec>() {
                return value.get::<$number>().is_ok_and(|n| (spec.minimum()..=spec.maximum()).contains(&n));
            })*
        };
    }
    check!(ParamSpecInt: i32, ParamSpecUInt: u32, ParamSpecInt64: i64, ParamSpecUInt64: u64);
    check!(ParamSpecFloat: f32, ParamSpecDouble: f64);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BitRate, PictureSize, VideoCodec};
    use serde_json::json;

    fn candidate(element: &str, properties: &[(&str, Value)]) -> EncoderPlan {
        EncoderPlan {
            profile: format!("profile-of-{element}"),
            element: element.to_owned(),
            properties: properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            input_format: "I420".to_owned(),
            h264_profile: "high".to_owned(),
            codec: VideoCodec::H264,
            ..EncoderPlan::default()
        }
    }

    fn rendition(encoders: Vec<EncoderPlan>) -> VideoRenditionPlan {
        VideoRenditionPlan {
            id: RenditionId::new("v").unwrap(),
            size: PictureSize::new(320, 180).unwrap(),
            bitrate: BitRate(400_000),
            max_bitrate: BitRate(500_000),
            encoders,
            passed_over: Vec::new(),
        }
    }

    #[test]
    fn the_first_candidate_that_works_is_taken_and_the_others_say_why_not() {
        crate::media::init().unwrap();
        let mut wrong_format = candidate("x264enc", &[]);
        wrong_format.input_format = "RGBA".to_owned();
        let mut wrong_profile = candidate("x264enc", &[]);
        wrong_profile.h264_profile = "high-4:4:4".to_owned();
        let plan = rendition(vec![
            candidate("nosuchh264enc", &[]),
            candidate("x264enc", &[("nosuch", json!(1))]),
            candidate("x264enc", &[("bitrate", json!(-5))]),
            candidate("x264enc", &[("bitrate", json!(2_048_001))]),
            candidate("x264enc", &[("speed-preset", json!("warp"))]),
            wrong_format,
            wrong_profile,
            candidate("x264enc", &[("bitrate", json!(400)), ("speed-preset", json!("veryfast")), ("aud", json!(true))]),
        ]);
        let Found { element, choice, .. } = choose(&plan, FrameRate::new(30, 1).unwrap()).unwrap();
        assert_eq!((choice.element.as_str(), element.property::<u32>("bitrate")), ("x264enc", 400));
        let reasons: Vec<&str> = choice.skipped.iter().map(|s| s.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "not on this box: no driver or no hardware for it",
                "has no property `nosuch`",
                "its property `bitrate` does not take `-5`",
                "its property `bitrate` does not take `2048001`",
                "its property `speed-preset` does not take `warp`",
                "does not take RGBA 320x180 pictures",
                "does not encode: Internal data stream error.",
            ]
        );
    }

    #[test]
    fn memory_that_does_not_work_is_not_a_reason_to_leave_an_encoder() {
        crate::media::init().unwrap();
        let good = || candidate("x264enc", &[("bitrate", json!(400)), ("speed-preset", json!("veryfast"))]);
        let with = |upload: &str, memory: &str| EncoderPlan {
            upload: vec![upload.to_owned()],
            memory: Some(memory.to_owned()),
            converts: true,
            ..good()
        };
        let chosen = |plan: EncoderPlan| {
            let found = choose(&rendition(vec![plan, good()]), FrameRate::new(30, 1).unwrap()).unwrap();
            let reasons: Vec<String> = found.choice.skipped.into_iter().map(|skipped| skipped.reason).collect();
            (found.choice.index, found.plan.memory, found.before.len(), reasons)
        };
        // The only memory that every element knows by name.
        let (index, memory, before, reasons) = chosen(with("videoconvertscale", "SystemMemory"));
        assert_eq!((index, memory.as_deref(), before, reasons.len()), (0, Some("SystemMemory"), 1, 0), "{reasons:?}");
        let (index, memory, before, reasons) = chosen(with("identity", "CUDAMemory"));
        assert_eq!((index, memory, before), (0, None, 0));
        assert_eq!(reasons, ["with pictures in CUDAMemory: does not take I420 320x180 pictures"]);
        let (index, memory, _, reasons) = chosen(with("nosuchupload", "SystemMemory"));
        assert_eq!((index, memory), (0, None));
        let reason = "with pictures in SystemMemory: needs the element `nosuchupload`, which is not on this box";
        assert_eq!(reasons, [reason]);
    }

    #[test]
    fn without_a_working_candidate_the_error_names_them_all() {
        crate::media::init().unwrap();
        let error = choose(&rendition(vec![candidate("nosuchh264enc", &[])]), FrameRate::new(30, 1).unwrap());
        let text = error.err().unwrap().to_string();
        assert!(text.contains("nosuchh264enc (profile-of-nosuchh264enc): not on this box"), "{text}");
        assert!(choose(&rendition(vec![]), FrameRate::new(30, 1).unwrap()).is_err());
    }
}
