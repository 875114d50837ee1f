//! One rendition of a running recording.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::inspect::{HOLE, Initialisation, checksum, media};
use super::link::{Followed, share};
use super::manifest::{RecordedRendition, RecordedSegment, RenditionKind};
use super::mend::TEXT_CODEC;
use super::playlist::Growing;
use crate::hls::segment_name;
use crate::model::MediaTime;
use crate::spool::error::At;
use crate::spool::{OpenSegment, Segment, Spool, SpoolError};

/// See the module.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Without segments.
    pub(crate) rendition: RecordedRendition,
    pub(crate) directory: PathBuf,
    /// The first number that is not taken yet.
    pub(crate) next: u64,
    /// Where the media taken ends.
    pub(crate) end: Option<MediaTime>,
    /// End of the media that a power cut leaves.
    pub(crate) synced: Option<MediaTime>,
    pub(crate) index: Option<Growing>,
    /// It has segments that a new media playlist must list.
    pub(crate) listed: bool,
    inits: BTreeMap<String, Option<Initialisation>>,
    open: Option<Followed>,
}

/// A segment that has become part of the recording.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) segment: RecordedSegment,
    /// The codec string, where it is another one than before.
    pub(crate) codecs: Option<String>,
    /// Time without media, before the segment or in it.
    pub(crate) holes: Vec<(MediaTime, MediaTime)>,
}

impl Lane {
    /// Sets up the directory; `next` is the first number wanted.
    pub(crate) fn begin(recording: &Path, rendition: RecordedRendition, next: u64) -> Result<Self, SpoolError> {
        let directory = recording.join(rendition.id.as_str());
        fs::create_dir_all(&directory).at(&directory)?;
        Ok(Self {
            rendition,
            directory,
            next,
            end: None,
            synced: None,
            index: None,
            listed: false,
            inits: BTreeMap::new(),
            open: None,
        })
    }

    /// Makes a complete segment of the spool part of the recording.
    pub(crate) fn take(&mut self, spool: &Spool, segment: &Segment) -> Result<Taken, SpoolError> {
        self.ensure_init(spool, &segment.init)?;
        let file = segment.file_name();
        let (from, to) = (spool.path(&self.rendition.id, &file), self.directory.join(&file));
        let followed = self.open.take_if(|open| open.number <= segment.number);
        let named = match followed {
            Some(followed) if followed.number == segment.number => followed.complete(&from, &to)?,
            other => {
                other.into_iter().for_each(Followed::give_up);
                false
            }
        };
        if !named {
            share(&from, &to)?;
            // An earlier worker may have followed it.
            let _ = fs::remove_file(self.part_path(segment.number));
        }
        let (sha256, bytes) = checksum(&to).at(&to)?;
        let init = self.inits.get(&segment.init).and_then(Option::as_ref);
        let read = init.map(|init| media(&to, init)).transpose().at(&to)?.flatten();
        let before = self.end.filter(|end| segment.start.since(*end) > HOLE).map(|end| (end, segment.start));
        let taken = RecordedSegment {
            sequence: segment.number,
            file,
            init: segment.init.clone(),
            begin: segment.start,
            duration: segment.duration,
            bytes,
            sha256,
            keyframe: self.rendition.kind != RenditionKind::Video || read.is_some_and(|read| read.keyframe),
            discontinuity: segment.discontinuity,
            discontinuity_sequence: segment.discontinuity_sequence,
        };
        self.next = segment.number + 1;
        (self.end, self.synced) = (Some(taken.end()), self.synced.max(Some(taken.end())));
        let holes = before.into_iter().chain(read.and_then(|read| read.hole)).collect();
        let codecs = self.codecs(spool, &segment.init);
        Ok(Taken { segment: taken, codecs, holes })
    }

    /// The codec string of an initialisation, if it is another one than before.
    fn codecs(&mut self, spool: &Spool, init: &str) -> Option<String> {
        let codecs = match self.rendition.kind {
            RenditionKind::Text => TEXT_CODEC.to_owned(),
            _ => spool.codec(&self.rendition.id, init)?,
        };
        let new = codecs != self.rendition.codecs;
        self.rendition.codecs.clone_from(&codecs);
        new.then_some(codecs)
    }

    /// Makes what there is of the segment being written last through a power cut.
    pub(crate) fn follow(&mut self, spool: &Spool, open: &OpenSegment) -> Result<(), SpoolError> {
        if self.open.as_ref().is_none_or(|followed| !followed.is_of(open)) {
            self.let_go();
            self.ensure_init(spool, &open.init)?;
            let (from, to) = (spool.open_segment_path(&self.rendition.id, open.number), self.part_path(open.number));
            self.open = Followed::begin(open, &from, &to)?;
        }
        let Some(followed) = &mut self.open else { return Ok(()) };
        followed.reach(open.bytes)?;
        self.synced = self.synced.max(Some(open.end));
        Ok(())
    }

    /// Gives up the segment that is followed: it is not wanted any more.
    pub(crate) fn let_go(&mut self) {
        if let Some(followed) = self.open.take() {
            followed.give_up();
        }
    }

    fn part_path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{}.part", segment_name(number)))
    }

    fn ensure_init(&mut self, spool: &Spool, init: &str) -> Result<(), SpoolError> {
        if init.is_empty() || self.inits.contains_key(init) {
            return Ok(());
        }
        let to = self.directory.join(init);
        share(&spool.path(&self.rendition.id, init), &to)?;
        let read = Initialisation::read(&to);
        if let Some(size) = read.as_ref().and_then(|read| read.size) {
            self.rendition.size = Some(size);
        }
        self.inits.insert(init.to_owned(), read);
        Ok(())
    }
}
