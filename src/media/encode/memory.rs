//! The way of a picture into the memory of its encoder.
//!
//! ```text
//! program picture ─▶ videoconvertscale ─▶ raw ─▶ (upload) ─▶ encoder        scaled by the processor
//! program picture ─▶ upload: vapostproc, cudaupload … ─▶ memory ─▶ encoder  scaled where it is encoded
//! ```
//!
//! What a profile says of it is a way, not a condition: where an element of the upload is missing or does not work, the
//! same encoder gets its pictures in ordinary memory.

use gst::prelude::*;
use gstreamer as gst;

use super::chain::filter;
use super::format::raw_caps;
use crate::media::MediaError;
use crate::media::init::element;
use crate::model::{FrameRate, PictureSize};
use crate::plan::EncoderPlan;

/// What a program picture is.
const PROGRAM: &str = "I420";

/// The ways to try with an encoder, best first. The last is as it takes pictures without help.
pub(super) fn ways(plan: &EncoderPlan) -> Vec<EncoderPlan> {
    // An element that is not registered says so once.
    match plan.memory.is_some() && gst::ElementFactory::find(&plan.element).is_some() {
        true => vec![plan.clone(), plan.in_ordinary_memory()],
        false => vec![plan.in_ordinary_memory()],
    }
}

/// Raw format in which pictures come to the upload, or to the encoder if there is none.
pub(super) fn given_format(plan: &EncoderPlan) -> &str {
    if plan.converts { PROGRAM } else { &plan.input_format }
}

/// What the encoder gets.
pub(super) fn memory_caps(plan: &EncoderPlan, size: PictureSize, rate: FrameRate) -> gst::Caps {
    let mut caps = raw_caps(&plan.input_format, size, rate);
    if let Some(memory) = &plan.memory {
        let features = gst::CapsFeatures::new([format!("memory:{memory}")]);
        caps.make_mut().set_features(0, Some(features));
    }
    caps
}

/// Elements between pictures of `program` size and an encoder of pictures of `size`, in order; `before` are those of the
/// upload.
pub(super) fn way_in(
    id: &str,
    plan: &EncoderPlan,
    (program, size): (PictureSize, PictureSize),
    rate: FrameRate,
    before: Vec<gst::Element>,
) -> Result<Vec<gst::Element>, MediaError> {
    let mut chain = Vec::new();
    if !plan.converts {
        if size != program || plan.input_format != PROGRAM {
            let scale = element("videoconvertscale", &format!("scale-{id}"))?;
            // A rendition of another shape than the program is stretched by the ladder's author, not letterboxed by us.
            scale.set_property("add-borders", false);
            chain.push(scale);
        }
        chain.push(filter(&format!("raw-{id}"), &raw_caps(&plan.input_format, size, rate))?);
    }
    chain.extend(before);
    if plan.memory.is_some() {
        chain.push(filter(&format!("memory-{id}"), &memory_caps(plan, size, rate))?);
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(plan: &EncoderPlan, size: &str) -> Vec<String> {
        crate::media::init().unwrap();
        let rate = FrameRate::new(25, 1).unwrap();
        let before = plan.upload.iter().map(|factory| gst::ElementFactory::make(factory).build().unwrap()).collect();
        let sizes = ("640x360".parse().unwrap(), size.parse().unwrap());
        let chain = way_in("v", plan, sizes, rate, before).unwrap();
        chain.iter().map(|element| element.factory().unwrap().name().to_string()).collect()
    }

    #[test]
    fn the_way_is_what_the_profile_says() {
        let plain = EncoderPlan { input_format: "I420".into(), ..EncoderPlan::default() };
        assert_eq!(names(&plain, "640x360"), ["capsfilter"]);
        assert_eq!(names(&plain, "320x180"), ["videoconvertscale", "capsfilter"]);
        let uploaded = EncoderPlan { upload: vec!["identity".into()], memory: Some("CUDAMemory".into()), ..plain };
        assert_eq!(names(&uploaded, "320x180"), ["videoconvertscale", "capsfilter", "identity", "capsfilter"]);
        let converted = EncoderPlan { converts: true, input_format: "NV12".into(), ..uploaded };
        assert_eq!(names(&converted, "320x180"), ["identity", "capsfilter"]);
        assert_eq!(given_format(&converted), "I420");
        let caps = memory_caps(&converted, "320x180".parse().unwrap(), FrameRate::new(25, 1).unwrap()).to_string();
        assert!(caps.starts_with("video/x-raw(memory:CUDAMemory), format=(string)NV12, width=(int)320"), "{caps}");
        assert_eq!(ways(&converted).len(), 1, "no element, no memory to try");
        assert_eq!(names(&converted.in_ordinary_memory(), "320x180"), ["videoconvertscale", "capsfilter"]);
    }
}
