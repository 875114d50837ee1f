//! SRT: as caller, or as a listener that looks at who calls. Passphrases are looked at by the library.

use std::sync::Arc;
use std::time::Instant;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::Context;
use super::branch::Branches;
use crate::media::srt::Links;
use crate::model::status::LinkFigures;
use crate::plan::{SourceKind, SrtMode};

/// What it is made by, and called.
const ELEMENT: &str = "srtsrc";

/// `srtsrc`, with the settings measured to notice a dead sender and to close fast.
pub(super) fn source(context: &Context, branches: &Branches) -> Result<gst::Element, gst::glib::BoolError> {
    let SourceKind::Srt { mode, host, port, latency_ms, passphrase, stream_id } = &context.plan.kind else {
        return Err(gst::glib::bool_error!("not an SRT source"));
    };
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let role = *mode;
    let mode = match mode {
        SrtMode::Caller => "caller",
        SrtMode::Listener => "listener",
    };
    let source = gst::ElementFactory::make(ELEMENT)
        .name(ELEMENT)
        // The role must be in the URI: given as a property it comes too late for a listener's address.
        .property("uri", format!("srt://{host}:{port}?mode={mode}"))
        .property("latency", i32::try_from(*latency_ms).unwrap_or(i32::MAX))
        // With the default of 1000 ms, closing takes more than two seconds.
        .property("poll-timeout", 100)
        .property("wait-for-connection", true)
        .build()?;
    if let Some(passphrase) = passphrase {
        source.set_property("passphrase", passphrase.reveal());
    }
    if let (Some(stream_id), SrtMode::Caller) = (stream_id, role) {
        // As a property: a `#` in a URI would cut it.
        source.set_property("streamid", stream_id);
    }
    screen_callers(&source, context, branches);
    Ok(source)
}

/// A listener takes one caller, with the right stream id, and turns others away at the handshake: they call again. Left
/// to itself it would accept a sender that comes back into the queue behind its own dead connection, where it would
/// stay unnoticed for the five seconds that SRT takes to give up a peer.
fn screen_callers(source: &gst::Element, context: &Context, branches: &Branches) {
    let SourceKind::Srt { mode: SrtMode::Listener, stream_id, .. } = &context.plan.kind else {
        return;
    };
    source.set_property("authentication", true);
    let (wanted, condition) = (stream_id.clone(), Arc::clone(&context.condition));
    let (knocked, accepted) = (branches.clone(), branches.clone());
    source.connect("caller-connecting", false, move |arguments| {
        let theirs = arguments.get(2).and_then(|value| value.get::<Option<String>>().ok()).flatten();
        // Never theirs: some senders put a secret into it.
        let wrong = match theirs.as_deref().filter(|theirs| !theirs.is_empty()) {
            _ if wanted.is_none() => None,
            None => Some("it names no stream id"),
            theirs => (theirs != wanted.as_deref()).then_some("its stream id is another than that of this source"),
        };
        if let Some(why) = wrong {
            condition.refused(None, why);
        }
        Some((wrong.is_none() && knocked.callers().knock(Instant::now())).to_value())
    });
    source.connect("caller-added", false, move |_| {
        accepted.callers().accepted(Instant::now());
        None
    });
}

/// What the element of this pipeline tells of the way from the sender.
pub(super) fn way(pipeline: &gst::Pipeline, kind: &SourceKind) -> Option<LinkFigures> {
    let SourceKind::Srt { mode, .. } = kind else { return None };
    let links = Links::of(&pipeline.by_name(ELEMENT)?, *mode == SrtMode::Listener)?;
    Some(LinkFigures { packets_lost: links.counted("packets-received-lost"), ..links.way() })
}

/// Why a listener that was called does not let this source in, if it is for the passphrase. The element would call it
/// again and again.
pub(super) fn denied(kind: &SourceKind, error: &gst::glib::Error) -> Option<&'static str> {
    let SourceKind::Srt { passphrase, .. } = kind else { return None };
    error.matches(gst::ResourceError::NotAuthorized).then_some(match passphrase {
        Some(_) => "the listener refuses the passphrase: it has another one, or none",
        None => "the listener asks for a passphrase, and this source has none",
    })
}

/// Tells of somebody who called and was turned away behind the stream id.
pub(super) fn tell_turned_away(context: &Context, branches: &Branches) {
    let SourceKind::Srt { passphrase, .. } = &context.plan.kind else { return };
    if branches.callers().turned_away(Instant::now()) {
        let why = match passphrase {
            Some(_) => "its passphrase is wrong, or it has none",
            None => "it encrypts, and this source has no passphrase",
        };
        context.condition.refused(None, why);
    }
}
