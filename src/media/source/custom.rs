//! A custom source: a fragment in the language of gst-launch, with its outputs left open.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::branch::Branches;
use super::parts::Parts;

/// Elements of these names are the only ones whose outputs are used, if there is one.
const NAMED: [&str; 2] = ["picture", "sound"];

/// Says what is wrong with a fragment of a custom source; opens no device and no connection. GStreamer must have been
/// started.
pub fn check(fragment: &str) -> Result<(), String> {
    let bin = parse(fragment)?;
    let outputs = outputs(&bin);
    if outputs.pads.is_empty() && outputs.later.is_empty() {
        return Err("leaves no source pad open: end it with the element whose output is wanted".to_owned());
    }
    Ok(())
}

/// Builds the fragment into `pipeline`.
pub(super) fn build(fragment: &str, pipeline: &gst::Pipeline, branches: &Branches) -> Result<(), gst::glib::BoolError> {
    check(fragment).map_err(|why| gst::glib::bool_error!("the fragment {why}"))?;
    let bin = parse(fragment).map_err(|why| gst::glib::bool_error!("the fragment {why}"))?;
    pipeline.add(&bin)?;
    let outputs = outputs(&bin);
    let parts = Parts::new(pipeline, branches);
    // Held until all are linked, or the first to be complete would pass for all.
    parts.begin();
    outputs.later.iter().for_each(|element| parts.follow(element));
    outputs.pads.iter().try_for_each(|pad| parts.decode(pad))?;
    outputs.unwanted.iter().try_for_each(|pad| discard(pipeline, pad))?;
    parts.end();
    Ok(())
}

/// gst-launch wants an element behind caps. In a fragment they may end a chain, as it is spoken: it gets one.
fn with_ends(fragment: &str) -> String {
    let words: Vec<&str> = fragment.split_whitespace().collect();
    let mut text = String::with_capacity(fragment.len() + 16);
    let mut in_caps = false;
    for (n, word) in words.iter().enumerate() {
        text.push_str(word);
        text.push(' ');
        let begins = n > 0 && words[n - 1] == "!" && word.split(',').next().is_some_and(is_media);
        in_caps = begins || in_caps && words[n - 1].ends_with(',');
        let next = words.get(n + 1);
        if in_caps && !word.ends_with(',') && next.is_none_or(|next| *next != "!") {
            text.push_str("! identity ");
            in_caps = false;
        }
    }
    text
}

/// `video/x-raw`, with features or without.
fn is_media(word: &str) -> bool {
    let word = word.split('(').next().unwrap_or(word);
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.+".contains(&b));
    word.split_once('/').is_some_and(|(kind, format)| plain(kind) && plain(format))
}

fn parse(fragment: &str) -> Result<gst::Bin, String> {
    let fragment = &with_ends(fragment);
    let mut context = gst::ParseContext::new();
    let flags = gst::ParseFlags::FATAL_ERRORS;
    let parsed = gst::parse::bin_from_description_full(fragment, false, Some(&mut context), flags);
    let parsed = parsed.and_then(|element| {
        let odd = |_| gst::glib::Error::new(gst::ParseError::Syntax, "it makes no bin");
        element.downcast::<gst::Bin>().map_err(odd)
    });
    parsed.map_err(|error| {
        let missing = context.missing_elements();
        if missing.is_empty() || !error.matches(gst::ParseError::NoSuchElement) {
            format!("cannot be parsed: {}", error.message())
        } else {
            let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
            format!("names an element that is not installed: {}", names.join(", "))
        }
    })
}

struct Outputs {
    pads: Vec<gst::Pad>,
    /// Elements whose pads come with the stream.
    later: Vec<gst::Element>,
    /// Open pads of elements beside those that are named: left open, they would end the stream.
    unwanted: Vec<gst::Pad>,
}

fn discard(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), gst::glib::BoolError> {
    let sink = gst::ElementFactory::make("fakesink").property("sync", true).property("async", false).build()?;
    pipeline.add(&sink)?;
    let into = sink.static_pad("sink").ok_or_else(|| gst::glib::bool_error!("no sink pad"))?;
    pad.link_maybe_ghosting(&into).map_err(|error| gst::glib::bool_error!("cannot link: {error:?}"))?;
    Ok(())
}

fn outputs(bin: &gst::Bin) -> Outputs {
    let children = bin.children();
    let is_named = |child: &gst::Element| NAMED.contains(&child.name().as_str());
    let (named, others): (Vec<_>, Vec<_>) = children.into_iter().partition(is_named);
    let (chosen, others) = if named.is_empty() { (others, named) } else { (named, others) };
    let open = |child: &gst::Element| child.src_pads().into_iter().filter(|pad| !pad.is_linked()).collect::<Vec<_>>();
    let pads = chosen.iter().flat_map(open).collect();
    let unwanted = others.iter().flat_map(open).collect();
    let later = chosen.iter().filter(|child| {
        child.pad_template_list().iter().any(|template| {
            template.direction() == gst::PadDirection::Src && template.presence() == gst::PadPresence::Sometimes
        })
    });
    Outputs { pads, later: later.cloned().collect(), unwanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_may_end_a_chain() {
        for (written, read) in [
            ("a ! video/x-raw", "a ! video/x-raw ! identity"),
            ("a ! video/x-raw, width=1, height=2 b", "a ! video/x-raw, width=1, height=2 ! identity b"),
            ("a ! video/x-raw(memory:DMABuf),width=1 ! b", "a ! video/x-raw(memory:DMABuf),width=1 ! b"),
            ("a location=x/y ! b c", "a location=x/y ! b c"),
            ("a ! b uri=file:///x", "a ! b uri=file:///x"),
        ] {
            assert_eq!(with_ends(written).trim(), read);
        }
    }

    #[test]
    fn fragments_are_checked() {
        crate::media::init().unwrap();
        for good in [
            "videotestsrc is-live=true ! video/x-raw,width=320,height=180",
            "videotestsrc is-live=true ! x264enc ! identity name=picture audiotestsrc is-live=true ! identity name=sound",
            "uridecodebin uri=file:///nonexistent",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("videotestsrc ! nosuchelement", "names an element that is not installed: `nosuchelement`"),
            ("videotestsrc ! fakesink", "leaves no source pad open"),
            ("videotestsrc !", "cannot be parsed"),
            ("videotestsrc nosuchproperty=1", "cannot be parsed"),
            ("", "cannot be parsed"),
            ("( ( (", "cannot be parsed"),
            ("audiotestsrc ! videoconvert", "cannot be parsed"),
        ] {
            let said = check(bad).unwrap_err();
            assert!(said.starts_with(why), "{bad}: {said}");
        }
    }
}
