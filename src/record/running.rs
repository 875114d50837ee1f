//! A recording that runs: its lanes, its journal, and what is told of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::journal::{Entry, Journal};
use super::lane::{Lane, Taken};
use super::lock::{Held, hold};
use super::manifest::{
    Gap, JOURNAL, MULTIVARIANT_PLAYLIST, Manifest, Marker, RecordedRendition, RecordedSegment, RecordingId,
    RecordingState, VERSION,
};
use super::mend::{self, RecordingMended};
use super::playlist::{self, Growing, Marks};
use crate::hls::{DateRange, PlaylistKind};
use crate::model::{Boundaries, ChannelId, Cued, DestinationId, MediaTime, RecordedOf, RecordingStatus, RenditionId};
use crate::spool::disk::{sync_parent, write_atomic};
use crate::spool::error::At;
use crate::spool::{Segment, Spool, SpoolError};

/// Recordings of one channel that may begin within one second.
const SAME_NAME: u32 = 100;

/// What a recording is of.
#[derive(Debug, Clone)]
pub(crate) struct Subject<'a> {
    pub(crate) channel: &'a ChannelId,
    pub(crate) destination: &'a DestinationId,
    pub(crate) of: &'a RecordedOf,
    /// The directory of all recordings.
    pub(crate) root: &'a Path,
    pub(crate) renditions: &'a [RecordedRendition],
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) directory: PathBuf,
    held: Held,
    /// Without segments.
    pub(crate) manifest: Manifest,
    journal: Journal,
    lanes: Vec<Lane>,
    marks: Marks,
    /// The number that media playlists begin with; none before the first segment.
    from: Option<u64>,
    /// The last segment wanted.
    pub(crate) until: Option<u64>,
    /// When this worker went on with what another one had begun.
    resumed: Option<MediaTime>,
    segments: u64,
}

/// What a look came to.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// What is missing, and was not known to be.
    pub(crate) gaps: Vec<Gap>,
    /// The first thing that went wrong.
    pub(crate) error: Option<SpoolError>,
    /// Segments that came in.
    pub(crate) taken: u64,
}

impl Running {
    /// Begins a recording with the segment that is on air at `now`.
    pub(crate) fn begin(
        subject: &Subject<'_>,
        title: Option<String>,
        boundaries: &Boundaries,
        now: MediaTime,
    ) -> Result<Self, SpoolError> {
        let above = subject.root.join(subject.channel.as_str());
        fs::create_dir_all(&above).at(&above)?;
        sync_parent(&above)?;
        let (id, directory) = new_directory(&above, &RecordingId::begun(now, title.as_deref()).of(subject.of))?;
        let held = hold(&directory)?.ok_or_else(|| SpoolError::InUse { path: directory.clone() })?;
        let first = boundaries.number_at(now);
        let mut manifest = Manifest {
            version: VERSION,
            channel: subject.channel.clone(),
            destination: subject.destination.clone(),
            of: subject.of.clone(),
            id,
            title,
            began: now,
            ended: None,
            state: RecordingState::Recording,
            protected: false,
            segment_ms: boundaries.grid().duration().as_millis() as u32,
            bytes: 0,
            interruptions: 0,
            gaps: Vec::new(),
            renditions: subject.renditions.to_vec(),
            markers: Vec::new(),
            cued: Cued::default(),
        };
        manifest.renditions.iter_mut().for_each(|rendition| rendition.segments.clear());
        let lane = |rendition: &RecordedRendition| Lane::begin(&directory, rendition.clone(), first);
        let lanes = manifest.renditions.iter().map(lane).collect::<Result<_, _>>()?;
        manifest.store(&directory)?;
        sync_parent(&directory)?;
        let journal = Journal::open(&directory)?;
        let (marks, from, until) = (Marks::default(), None, None);
        Ok(Self { directory, held, manifest, journal, lanes, marks, from, until, resumed: None, segments: 0 })
    }

    /// Goes on with the recording that an earlier worker left in `directory`.
    pub(crate) fn resume(
        subject: &Subject<'_>,
        directory: PathBuf,
        held: Held,
        spool: &Spool,
        boundaries: &Boundaries,
        now: MediaTime,
    ) -> Result<(Self, RecordingMended), SpoolError> {
        let spooled = |rendition: &RenditionId, number: u64| {
            spool.open_segment(rendition).is_some_and(|open| open.number == number)
                || spool.segments_from(rendition, number).first().is_some_and(|first| first.number == number)
        };
        let (mut manifest, mended) = mend::mend(&directory, &held, &spooled)?;
        manifest.interruptions += 1;
        for rendition in subject.renditions {
            if !manifest.renditions.iter().any(|known| known.id == rendition.id) {
                manifest.renditions.push(RecordedRendition { segments: Vec::new(), ..rendition.clone() });
            }
        }
        manifest.store(&directory)?;
        let _ = fs::remove_file(directory.join(JOURNAL));
        let mut journal = Journal::open(&directory)?;
        let resumed = Entry::Resumed { at: now, interruptions: manifest.interruptions };
        journal.append(&resumed).and_then(|()| journal.sync()).at(&directory)?;
        let marks = Marks::of(&manifest);
        let from = manifest.renditions.iter().filter_map(|r| r.segments.first()).map(|first| first.sequence).min();
        let begin = boundaries.number_at(manifest.began);
        let ranges = playlist::ranges(&manifest.cued, &manifest.markers, boundaries);
        let mut lanes = Vec::new();
        let wanted = |known: &&mut RecordedRendition| subject.renditions.iter().any(|one| one.id == known.id);
        for known in manifest.renditions.iter_mut().filter(wanted) {
            let segments = std::mem::take(&mut known.segments);
            let last = segments.last();
            let newest = || spool.last(&known.id).map_or(begin, |last| last.number);
            // A rendition that came in later has nothing to make good.
            let next = last.map_or_else(|| if from.is_some() { newest() } else { begin }, |last| last.sequence + 1);
            let mut lane = Lane::begin(&directory, known.clone(), next)?;
            lane.end = last.map(RecordedSegment::end);
            lane.synced = lane.end;
            lane.listed = last.is_some();
            let whole = from
                .and_then(|from| playlist::media(&segments, from, (&marks, boundaries), &ranges, PlaylistKind::Event));
            lane.index = whole.map(|whole| Growing::begin(&lane.directory, whole)).transpose()?;
            lanes.push(lane);
        }
        let segments = 0;
        manifest.renditions.iter_mut().for_each(|rendition| rendition.segments.clear());
        let resumed = Some(now);
        Ok((Self { directory, held, manifest, journal, lanes, marks, from, until: None, resumed, segments }, mended))
    }

    /// Takes over what the spool has got.
    pub(crate) fn look(&mut self, spool: &Spool, boundaries: &Boundaries) -> Looked {
        let mut looked = Looked::default();
        for place in 0..self.lanes.len() {
            if let Err(error) = self.look_at(place, spool, boundaries, &mut looked) {
                looked.error.get_or_insert(error);
            }
        }
        self.manifest.gaps.extend(looked.gaps.iter().cloned());
        looked
    }

    fn look_at(
        &mut self,
        place: usize,
        spool: &Spool,
        boundaries: &Boundaries,
        looked: &mut Looked,
    ) -> Result<(), SpoolError> {
        let id = self.lanes[place].rendition.id.clone();
        let wanted = |number: u64, until: Option<u64>| until.is_none_or(|until| number <= until);
        for segment in spool.segments_from(&id, self.lanes[place].next) {
            if !wanted(segment.number, self.until) {
                // It is not asked for again.
                self.lanes[place].next = segment.number;
                break;
            }
            match self.lanes[place].take(spool, &segment) {
                Ok(taken) => {
                    looked.taken += 1;
                    self.note(place, taken, boundaries, looked)?;
                }
                Err(SpoolError::Missing { .. }) if self.directory.exists() && gone(spool, &id, &segment) => {
                    // The next one tells that it is missing.
                    self.lanes[place].next = segment.number + 1;
                }
                Err(error) => return Err(error),
            }
        }
        match spool.open_segment(&id) {
            Some(open) if open.number >= self.lanes[place].next && wanted(open.number, self.until) => {
                self.lanes[place].follow(spool, &open)
            }
            _ => Ok(()),
        }
    }

    /// Notes a segment in journal and playlists. None of that is needed to find it again.
    fn note(
        &mut self,
        place: usize,
        taken: Taken,
        boundaries: &Boundaries,
        looked: &mut Looked,
    ) -> Result<(), SpoolError> {
        let Taken { segment, codecs, holes } = taken;
        let id = self.lanes[place].rendition.id.clone();
        let of_source = matches!(self.manifest.of, RecordedOf::Source(_));
        let why = |begin: MediaTime| match self.resumed {
            Some(at) if begin <= at => "the worker was lost, and another one went on",
            _ if of_source => "the source did not deliver, or could not be encoded: see its events",
            _ => "the spool did not have it: see its events",
        };
        let gap = |(begin, end)| Gap { rendition: Some(id.clone()), begin, end, reason: why(begin).to_owned() };
        let gaps: Vec<Gap> = holes.into_iter().map(gap).collect();
        self.manifest.bytes += segment.bytes;
        self.segments += 1;
        self.marks.note(&segment);
        let from = *self.from.get_or_insert(segment.sequence);
        let described = codecs.is_some();
        let entry = Entry::Segment { rendition: id.clone(), codecs, segment };
        self.write(&entry)?;
        for gap in &gaps {
            self.write(&Entry::Gap { gap: gap.clone() })?;
        }
        looked.gaps.extend(gaps);
        let Entry::Segment { segment, .. } = entry else { return Ok(()) };
        self.list(place, &segment, from, boundaries)?;
        if described {
            self.describe(place)?;
        }
        Ok(())
    }

    fn list(
        &mut self,
        place: usize,
        segment: &RecordedSegment,
        from: u64,
        boundaries: &Boundaries,
    ) -> Result<(), SpoolError> {
        let ranges = self.ranges(boundaries);
        let lane = &mut self.lanes[place];
        if let Some(index) = lane.index.as_mut().filter(|index| index.fits(segment)) {
            let appended = index.append(segment, from, &self.marks, boundaries, &ranges).at(&lane.directory);
            if appended.is_err() {
                // It may end with half a line: with the next segment it is written anew.
                lane.index = None;
            }
            return appended;
        }
        let segments = if lane.listed {
            let renditions = Manifest::load(&self.directory)?.renditions;
            renditions.into_iter().find(|one| one.id == lane.rendition.id).map(|own| own.segments).unwrap_or_default()
        } else {
            vec![segment.clone()]
        };
        lane.listed = true;
        let whole = playlist::media(&segments, from, (&self.marks, boundaries), &ranges, PlaylistKind::Event);
        lane.index = whole.map(|whole| Growing::begin(&lane.directory, whole)).transpose()?;
        Ok(())
    }

    /// What its playlists tell beside segments.
    fn ranges(&self, boundaries: &Boundaries) -> Vec<DateRange> {
        playlist::ranges(&self.manifest.cued, &self.manifest.markers, boundaries)
    }

    /// Notes the breaks and the metadata that have begun, for good.
    pub(crate) fn hear(&mut self, cued: &Cued, now: MediaTime) -> Result<(), SpoolError> {
        let all = self.manifest.cued.with(&cued.within(self.manifest.began, now));
        if all != self.manifest.cued {
            self.write(&Entry::Cued { cued: all.clone() })?;
            self.journal.sync().at(&self.directory.join(JOURNAL))?;
            self.manifest.cued = all;
        }
        Ok(())
    }

    /// A rendition has its first segment, or another codec string.
    fn describe(&mut self, place: usize) -> Result<(), SpoolError> {
        let lane = &self.lanes[place].rendition;
        if let Some(known) = self.manifest.renditions.iter_mut().find(|known| known.id == lane.id) {
            *known = lane.clone();
        }
        match playlist::multivariant(&self.manifest.renditions) {
            Some(text) => write_atomic(&self.directory.join(MULTIVARIANT_PLAYLIST), text.as_bytes()),
            None => Ok(()),
        }
    }

    fn write(&mut self, entry: &Entry) -> Result<(), SpoolError> {
        self.journal.append(entry).at(&self.directory.join(JOURNAL))
    }

    /// Sets a marker, for good.
    pub(crate) fn mark(&mut self, marker: Marker) -> Result<(), SpoolError> {
        self.write(&Entry::Marker { marker: marker.clone() })?;
        self.journal.sync().at(&self.directory.join(JOURNAL))?;
        self.manifest.markers.push(marker);
        Ok(())
    }

    /// The channel has other renditions, or other words for them.
    pub(crate) fn list_renditions(&mut self, wanted: &[RecordedRendition], next: u64) -> Result<(), SpoolError> {
        for lane in self.lanes.iter_mut().filter(|lane| !wanted.iter().any(|one| one.id == lane.rendition.id)) {
            lane.let_go();
        }
        self.lanes.retain(|lane| wanted.iter().any(|one| one.id == lane.rendition.id));
        for rendition in wanted {
            let known = self.manifest.renditions.iter().find(|known| known.id == rendition.id);
            let codecs = known.map(|known| known.codecs.clone()).unwrap_or_default();
            let told = RecordedRendition { codecs, segments: Vec::new(), ..rendition.clone() };
            if known == Some(&told) && self.lanes.iter().any(|lane| lane.rendition.id == rendition.id) {
                continue;
            }
            self.write(&Entry::Rendition { rendition: Box::new(told.clone()) })?;
            match self.manifest.renditions.iter_mut().find(|known| known.id == rendition.id) {
                Some(known) => *known = told.clone(),
                None => self.manifest.renditions.push(told.clone()),
            }
            match self.lanes.iter_mut().find(|lane| lane.rendition.id == rendition.id) {
                Some(lane) => lane.rendition = told,
                None => self.lanes.push(Lane::begin(&self.directory, told, next)?),
            }
        }
        Ok(())
    }

    /// Whether it has all it is to have, or will have got, by what the spool holds.
    pub(crate) fn is_complete(&self, spool: &Spool) -> bool {
        let Some(until) = self.until else { return false };
        let passed = |lane: &Lane| {
            lane.next > until
                || spool.last(&lane.rendition.id).is_some_and(|last| last.number > until && lane.next >= last.number)
        };
        self.lanes.iter().all(passed)
    }

    /// Whether the spool may delete a segment.
    pub(crate) fn needs(&self) -> Vec<(RenditionId, u64)> {
        self.lanes.iter().map(|lane| (lane.rendition.id.clone(), lane.next)).collect()
    }

    /// End of the last media that is part of it in every rendition.
    pub(crate) fn position(&self) -> Option<MediaTime> {
        self.lanes.iter().map(|lane| lane.end).min().flatten()
    }

    /// What a power cut would leave, in every rendition of pictures and sound.
    pub(crate) fn synced(&self) -> Option<MediaTime> {
        let media = |lane: &&Lane| lane.rendition.kind != super::RenditionKind::Text;
        self.lanes.iter().filter(media).map(|lane| lane.synced).min().flatten()
    }

    /// Segments and program time that the spool has and it has not.
    pub(crate) fn queue(&self, spool: &Spool, now: MediaTime) -> (u64, Duration) {
        let waiting = |lane: &Lane| spool.segments_from(&lane.rendition.id, lane.next).len() as u64;
        let most = self.lanes.iter().map(waiting).max().unwrap_or(0);
        let late =
            if most == 0 { Duration::ZERO } else { self.position().map_or(Duration::ZERO, |end| now.since(end)) };
        (most, late)
    }

    /// What is told of it.
    pub(crate) fn status(&self) -> RecordingStatus {
        RecordingStatus {
            of: self.manifest.of.clone(),
            id: Some(self.manifest.id.to_string()),
            running: true,
            title: self.manifest.title.clone(),
            directory: Some(self.directory.display().to_string()),
            began: Some(self.manifest.began),
            ended: None,
            synced: self.synced(),
            bytes: self.manifest.bytes,
            segments: self.segments,
            gaps: self.manifest.gaps.len() as u64,
            interruptions: self.manifest.interruptions,
            markers: self.manifest.markers.len() as u64,
            ..RecordingStatus::default()
        }
    }

    /// Ends it: what there is, is what there will be.
    pub(crate) fn finish(mut self, ended: MediaTime) -> Result<(Manifest, RecordingMended), SpoolError> {
        // With a limit, a segment after the last one wanted is none of it.
        if self.until.is_some() {
            self.lanes.iter_mut().for_each(Lane::let_go);
        }
        let (mut manifest, mended) = mend::mend(&self.directory, &self.held, &|_, _| false)?;
        manifest.ended = Some(ended);
        Ok((mend::close(&self.directory, manifest, RecordingState::Finished)?, mended))
    }
}

/// Whether it is the spool that does not have a segment any more.
fn gone(spool: &Spool, id: &RenditionId, segment: &Segment) -> bool {
    !spool.path(id, &segment.file_name()).exists()
}

fn new_directory(above: &Path, id: &RecordingId) -> Result<(RecordingId, PathBuf), SpoolError> {
    for number in 1..=SAME_NAME {
        let id = if number == 1 { id.clone() } else { id.again(number) };
        let directory = above.join(id.as_str());
        match fs::create_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.at(&directory).map(|()| (id, directory)),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists)).at(above)
}
