//! What recovery found and did.

use std::fmt;

/// What was mended when a spool was opened. All zero after an orderly stop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mended {
    /// Segments that were being written, with whole chunks in them: closed as short segments, or kept open for this run.
    pub resumed: u64,
    /// Files whose torn end was cut off.
    pub truncated: u64,
    /// Segments without a word in the index, read back from their media.
    pub adopted: u64,
    /// Torn or false lines of the index.
    pub index_lines_dropped: u64,
    /// Segments in the index without a file.
    pub segments_missing: u64,
    /// Files without any whole chunk, or whose initialisation is gone, that were deleted.
    pub files_discarded: u64,
    /// Of these, segments that were written under a clock far ahead of this run's.
    pub from_the_future: u64,
    /// Bytes cut off or deleted.
    pub bytes_discarded: u64,
    /// The table of discontinuities was lost and made anew from the segments.
    pub discontinuities_rebuilt: bool,
    /// Renditions that the channel no longer has, removed with their segments.
    pub renditions_removed: Vec<String>,
}

impl Mended {
    /// Whether there was nothing to do.
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }

    /// Whether media that had been handed to the spool is lost.
    pub fn lost_media(&self) -> bool {
        self.segments_missing > 0 || self.bytes_discarded > 0
    }
}

impl fmt::Display for Mended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.resumed, "unfinished segments resumed"),
            (self.truncated, "torn files cut back to whole chunks"),
            (self.adopted, "segments read back into the index"),
            (self.index_lines_dropped, "torn index lines dropped"),
            (self.segments_missing, "segments missing on disk"),
            (self.files_discarded, "files without media discarded"),
            (self.from_the_future, "of these written under a clock far ahead of now"),
            (self.bytes_discarded, "bytes discarded"),
        ];
        let mut parts: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        if self.discontinuities_rebuilt {
            parts.push("table of discontinuities made anew".to_owned());
        }
        if !self.renditions_removed.is_empty() {
            parts.push(format!("renditions no longer in the channel removed: {}", self.renditions_removed.join(", ")));
        }
        if parts.is_empty() { f.write_str("nothing to mend") } else { f.write_str(&parts.join("; ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_was_done_and_only_that() {
        assert_eq!(Mended::default().to_string(), "nothing to mend");
        let mended = Mended { truncated: 1, bytes_discarded: 812, ..Mended::default() };
        assert_eq!(mended.to_string(), "1 torn files cut back to whole chunks; 812 bytes discarded");
    }
}
