//! How far a spool reaches, told before it is opened.

use std::fs;
use std::path::Path;

use crate::hls::{segment_number, text_number};
use crate::model::RenditionId;

/// The highest number of a complete segment below `directory`; none where nothing is, or nothing can be read.
pub fn newest(directory: &Path, renditions: &[RenditionId]) -> Option<u64> {
    let files = renditions.iter().filter_map(|id| fs::read_dir(directory.join(id.as_str())).ok()).flatten().flatten();
    let number = |file: fs::DirEntry| {
        let name = file.file_name();
        segment_number(name.to_str()?).or_else(|| text_number(name.to_str()?))
    };
    files.filter_map(number).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_segment_counts_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (picture, text, none) =
            (RenditionId::new("720p").unwrap(), RenditionId::new("cc").unwrap(), RenditionId::new("sound").unwrap());
        let all = [picture, text, none];
        assert_eq!(newest(dir.path(), &all), None, "nothing is there yet");
        for id in &all[..2] {
            fs::create_dir(dir.path().join(id.as_str())).unwrap();
        }
        let put = |path: &str| fs::write(dir.path().join(path), "").unwrap();
        put("720p/7.m4s");
        put("720p/init-99999999.mp4");
        put("720p/index.jsonl");
        assert_eq!(newest(dir.path(), &all), Some(7));
        put("cc/8.vtt");
        assert_eq!(newest(dir.path(), &all), Some(8));
        put("720p/9.m4s.part");
        assert_eq!(newest(dir.path(), &all), Some(8), "the next run goes on with what is not complete");
    }
}
