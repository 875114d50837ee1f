//! Playlists and the names of what they list. Pure: what goes in decides what comes out.
//!
//! Owns: the layout of a channel as players see it, media playlists, the multivariant playlist, and the bit rates that
//! stand in it. Must not: do I/O, read a clock, or know where segments are kept.
//!
//! ```text
//! <channel>/multivariant.m3u8
//! <channel>/<rendition>/media.m3u8
//! <channel>/<rendition>/init-<8 hex of sha256>.mp4           with encrypted samples: 16 hex, another one with each key
//! <channel>/<rendition>/<media sequence number>.m4s
//! <channel>/<rendition>/<media sequence number>.<part>.m4s    with parts: a piece of that segment
//! <channel>/<captions>/<media sequence number>.vtt
//! ```
//!
//! # Holes
//!
//! A player numbers segments by counting lines from EXT-X-MEDIA-SEQUENCE, and a segment's number *is* its place on the
//! epoch grid. A missing number therefore keeps its line: an entry of the grid's duration with EXT-X-GAP (rfc8216bis
//! 4.4.4.7) and the grid's start as EXT-X-PROGRAM-DATE-TIME. From this follows:
//!
//! - **EXT-X-DISCONTINUITY stands before the first segment behind the hole**, not before the gap entries. Another
//!   rendition may have the segment that is missing here; it belongs to the run before, and its gap entry has to carry
//!   the same discontinuity sequence. A hole alone is no discontinuity: all timestamps are UTC, one timeline goes on.
//! - **The target duration never changes**: a gap entry lasts one grid duration, a segment at most that.
//! - **A hole at the front is not listed.** The playlist begins with the first segment behind it; a hole longer than the
//!   window thus leaves nothing before it, and the media sequence still only grows. A segment which exists but has not
//!   been delivered yet is *not* such a hole: its entry says `gap` and stays, so that delivering it does not move the
//!   media sequence back.
//! - **A short segment stays short.** The rest of its cell is said by the EXT-X-PROGRAM-DATE-TIME of its successor.
//!
//! # Date ranges
//!
//! Breaks and timed metadata are EXT-X-DATERANGE, in every rendition alike: a tag stands before the segment (by number)
//! that its time falls into. A break's cue out and cue in are two tags of one ID and START-DATE: what a player has been
//! told never changes, it is only added to. A cue is told with its segment, not before: until then it can be taken back.
//!
//! # Parts
//!
//! A playlist with parts (rfc8216bis 4.4.4.9) also tells of the segment that is being written, part by part. It lists
//! the parts of the last three segments; a segment is told of with its EXTINF when all of its parts are. What only a
//! server can promise that looks at the query of a request (blocking reload, delta updates, preload hints) is not
//! claimed here: `uplink-origin` adds it to its answers.
//!
//! # Encryption
//!
//! EXT-X-KEY stands where the key changes. Without an IV it is the media sequence number (rfc8216bis 5.2), so one tag holds
//! for a whole key period. Initialisations are never encrypted: with AES-128, whose tags would hold for them, too,
//! EXT-X-MAP stands before the first tag or behind METHOD=NONE. A playlist names no key that is not known to be where
//! players are sent for it.
//!
//! # Discontinuity sequence
//!
//! EXT-X-DISCONTINUITY-SEQUENCE counts the discontinuities that left the window (rfc8216bis 6.2.2). Each segment carries
//! its own count, so the header is the count of the first entry, less the tag that stands before that entry. One tag is
//! one step: where the count makes a larger step between neighbours (segments of a whole run are lost in this rendition
//! alone), the playlist begins behind it.

mod daterange;
mod keys;
mod media;
mod multivariant;
mod name;
mod parts;
mod rate;
mod told;

pub use daterange::DateRange;
pub use keys::Keys;
pub use media::{MediaPlaylist, MediaSegment, PlaylistKind};
pub use multivariant::{AudioRendition, CaptionsOffer, MultivariantPlaylist, TextRendition, Variant};
pub use name::{
    MEDIA_PLAYLIST, MULTIVARIANT_PLAYLIST, init_name, is_init_name, locked_init_name, media_playlist_path,
    multivariant_path, object_path, part_name, part_number, segment_file, segment_name, segment_number, text_name,
    text_number,
};
pub use parts::{MediaPart, Parts};
pub use rate::SegmentRates;
pub use told::ToldPlaylist;
