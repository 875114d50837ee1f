//! Which encoder a rendition gets: the first candidate that exists, takes its settings and encodes here.

use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use serde_json::Value;

use super::format::raw_caps;
use crate::media::MediaError;
use crate::media::init::{bounded, element};
use crate::model::{FrameRate, RenditionId};
use crate::plan::{EncoderPlan, VideoRenditionPlan};

/// A driver that takes longer to open its device, or to encode a few pictures, hangs.
const TRIAL_BOUND: Duration = Duration::from_secs(5);

/// Pictures encoded in a trial.
const TRIAL_PICTURES: i32 = 3;

/// The encoder of a rendition, and why better ones are not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The rendition.
    pub rendition: RenditionId,
    /// Element factory, such as `x264enc`.
    pub element: String,
    /// Hardware profile it comes from.
    pub profile: String,
    /// Candidates before it in the plan that do not work here.
    pub skipped: Vec<Skipped>,
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

/// Tries the candidates in order; the element returned is in state NULL.
pub(super) fn choose(
    rendition: &VideoRenditionPlan,
    rate: FrameRate,
) -> Result<(gst::Element, EncoderPlan, Choice), MediaError> {
    let mut skipped = Vec::new();
    for (n, plan) in rendition.encoders.iter().enumerate() {
        // The last has no alternative: a trial would only delay what its own start shows.
        let last = n + 1 == rendition.encoders.len();
        let tried = if last { Ok(()) } else { trial(rendition, plan, rate) };
        match tried.and_then(|()| open(rendition, plan, rate)) {
            Ok(element) => {
                let choice = Choice {
                    rendition: rendition.id.clone(),
                    element: plan.element.clone(),
                    profile: plan.profile.clone(),
                    skipped,
                };
                return Ok((element, plan.clone(), choice));
            }
            Err(reason) => {
                skipped.push(Skipped { element: plan.element.clone(), profile: plan.profile.clone(), reason });
            }
        }
    }
    let reasons: Vec<String> = skipped.iter().map(|s| format!("{} ({}): {}", s.element, s.profile, s.reason)).collect();
    let reasons = if reasons.is_empty() { "the plan names no candidate".to_owned() } else { reasons.join("; ") };
    Err(MediaError::NoEncoder { rendition: rendition.id.clone(), reasons })
}

/// The candidate with its settings, after it has opened its device once.
fn open(rendition: &VideoRenditionPlan, plan: &EncoderPlan, rate: FrameRate) -> Result<gst::Element, String> {
    let element = make(rendition, plan, rate)?;
    let opening = element.clone();
    let ready = bounded(TRIAL_BOUND, move || {
        let opened = opening.set_state(gst::State::Ready).is_ok();
        // It is opened again with the graph; a device that cannot be closed shows then.
        let _ = opening.set_state(gst::State::Null);
        opened
    });
    match ready {
        Some(true) => Ok(element),
        Some(false) => Err("does not open its device".to_owned()),
        None => Err(format!("does not open its device within {} s", TRIAL_BOUND.as_secs())),
    }
}

fn make(rendition: &VideoRenditionPlan, plan: &EncoderPlan, rate: FrameRate) -> Result<gst::Element, String> {
    let factory = gst::ElementFactory::find(&plan.element).ok_or("not on this box: no driver or no hardware for it")?;
    if !factory.can_sink_any_caps(&raw_caps(&plan.input_format, rendition.size, rate)) {
        return Err(format!("does not take {} {} pictures", plan.input_format, rendition.size));
    }
    let element = factory
        .create()
        .name(format!("encoder-{}", rendition.id))
        .build()
        .map_err(|error| format!("cannot be created: {error}"))?;
    for (name, value) in &plan.properties {
        set_property(&element, name, value)?;
    }
    Ok(element)
}

/// Encodes a few pictures: many a driver opens its device and refuses the first of them.
fn trial(rendition: &VideoRenditionPlan, plan: &EncoderPlan, rate: FrameRate) -> Result<(), String> {
    let encoder = make(rendition, plan, rate)?;
    let pipeline = gst::Pipeline::new();
    let wrong = |error: &dyn std::fmt::Display| format!("cannot be tried: {error}");
    let build = |factory: &'static str, name| element(factory, name).map_err(|error| wrong(&error));
    let source = build("videotestsrc", "trial-source")?;
    source.set_property("num-buffers", TRIAL_PICTURES);
    let (raw, encoded, sink) =
        (build("capsfilter", "raw")?, build("capsfilter", "encoded")?, build("fakesink", "sink")?);
    raw.set_property("caps", raw_caps(&plan.input_format, rendition.size, rate));
    encoded.set_property("caps", encoded_caps(plan));
    let chain = [&source, &raw, &encoder, &encoded, &sink];
    pipeline.add_many(chain).map_err(|error| wrong(&error))?;
    gst::Element::link_many(chain).map_err(|_| format!("does not give H.264 {} profile", plan.h264_profile))?;
    bounded(TRIAL_BOUND + Duration::from_secs(1), move || {
        let result = run_trial(&pipeline);
        // A device that cannot be closed shows when the next one opens it.
        let _ = pipeline.set_state(gst::State::Null);
        result
    })
    .unwrap_or_else(|| Err("hangs".to_owned()))
}

fn run_trial(pipeline: &gst::Pipeline) -> Result<(), String> {
    let bus = pipeline.bus().ok_or("has no bus")?;
    let started = pipeline.set_state(gst::State::Playing);
    let bound = gst::ClockTime::from_mseconds(if started.is_ok() { TRIAL_BOUND.as_millis() as u64 } else { 0 });
    let end = bus.timed_pop_filtered(bound, &[gst::MessageType::Eos, gst::MessageType::Error]);
    match end.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Eos(_)) => Ok(()),
        Some(gst::MessageView::Error(error)) => Err(format!("does not encode: {}", error.error())),
        _ if started.is_err() => Err("does not open its device".to_owned()),
        _ => Err(format!("does not encode {TRIAL_PICTURES} pictures within {} s", TRIAL_BOUND.as_secs())),
    }
}

/// What has to come out of a candidate.
pub(super) fn encoded_caps(plan: &EncoderPlan) -> gst::Caps {
    gst::Caps::builder("video/x-h264").field("profile", plan.h264_profile.as_str()).build()
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
    use crate::model::{BitRate, PictureSize};
    use serde_json::json;

    fn candidate(element: &str, properties: &[(&str, Value)]) -> EncoderPlan {
        EncoderPlan {
            profile: format!("profile-of-{element}"),
            element: element.to_owned(),
            properties: properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            input_format: "I420".to_owned(),
            h264_profile: "high".to_owned(),
        }
    }

    fn rendition(encoders: Vec<EncoderPlan>) -> VideoRenditionPlan {
        VideoRenditionPlan {
            id: RenditionId::new("v").unwrap(),
            size: PictureSize::new(320, 180).unwrap(),
            bitrate: BitRate(400_000),
            max_bitrate: BitRate(500_000),
            encoders,
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
        let (element, _, choice) = choose(&plan, FrameRate::new(30, 1).unwrap()).unwrap();
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
    fn without_a_working_candidate_the_error_names_them_all() {
        crate::media::init().unwrap();
        let error = choose(&rendition(vec![candidate("nosuchh264enc", &[])]), FrameRate::new(30, 1).unwrap());
        let text = error.unwrap_err().to_string();
        assert!(text.contains("nosuchh264enc (profile-of-nosuchh264enc): not on this box"), "{text}");
        assert!(choose(&rendition(vec![]), FrameRate::new(30, 1).unwrap()).is_err());
    }
}
