//! NDI: picture and sound of a sender on the network. The runtime library is the user's to install; without it the
//! source says so and nothing else happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::branch::Branches;
use super::head::Built;
use crate::plan::SourceKind;

/// Where to look when it does not deliver.
pub(super) const HINT: &str = "check that the sender runs and its name (an NDI monitor on this network shows it), and that \
                               the NDI runtime library is installed (NDI_RUNTIME_DIR_V6)";

/// What is missing, where to get it, and what then.
const MISSING: &str = "the NDI runtime library (libndi.so.6) is not installed: get it from https://ndi.video (NDI SDK for Linux), name its \
                       directory in NDI_RUNTIME_DIR_V6 if it is not where the system looks, then stop and start the channel";

/// The sender's small picture, and the full one.
const LOWEST: i32 = 0;
const HIGHEST: i32 = 100;

pub(super) fn build(kind: &SourceKind, pipeline: &gst::Pipeline, branches: &Branches) -> Built {
    let SourceKind::Ndi { name, address, lowest } = kind else {
        return Err(gst::glib::bool_error!("not an NDI source"));
    };
    let source = gst::ElementFactory::make("ndisrc")
        .property("bandwidth", if *lowest { LOWEST } else { HIGHEST })
        .property("connect-timeout", 10_000u32)
        .property("timeout", 5_000u32)
        // The feed follows the sender's clock; arrival is what it goes by.
        .property_from_str("timestamp-mode", "receive-time-vs-timestamp")
        .build()?;
    if let Some(name) = name {
        source.set_property("ndi-name", name);
    }
    if let Some(address) = address {
        source.set_property("url-address", address);
    }
    // This step opens the library. Outside of the pipeline, whose bus would tell it in the plugin's own words.
    source.set_state(gst::State::Ready).map_err(|_| gst::glib::bool_error!("{}", MISSING))?;
    let demux = gst::ElementFactory::make("ndisrcdemux").build()?;
    pipeline.add_many([&source, &demux])?;
    source.link(&demux)?;
    let (linked, seen) = (branches.clone(), Arc::new(AtomicUsize::new(0)));
    demux.connect_pad_added(move |demux, pad| {
        if let Err(error) = linked.link(pad) {
            gst::element_error!(demux, gst::CoreError::Pad, ("cannot use a stream of this source: {}", error));
        }
        // A picture and a sound: more there is not.
        if seen.fetch_add(1, Ordering::Relaxed) == 1 {
            linked.set_complete();
        }
    });
    Ok(())
}
