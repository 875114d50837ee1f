//! The edges of an exact cut: a worker encodes the first and last pictures anew, everything between is copied.

use std::io::{Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::movie::avc::{Config, entry_with};
use super::movie::{MovieError, Placed, Strand, nanos, ticks};
use super::stitch::Bench;
use crate::model::edge::{EdgeAnswer, EdgeOrder, EdgePicture};

/// The longest that a worker may take for one edge.
const BOUND: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(20);

/// Leaves exactly the pictures in `wanted`; says how many had to be encoded anew.
pub(super) fn cut(strand: &mut Strand, wanted: &Range<i64>, bench: &Bench<'_>) -> Result<u64, MovieError> {
    let cut = strand.exactly(wanted);
    let head = cut.head.clone().map(|group| encode(strand, group, wanted, Side::Head, bench)).transpose()?;
    let tail = cut.tail.clone().map(|group| encode(strand, group, wanted, Side::Tail, bench)).transpose()?;
    let anew = [&head, &tail].into_iter().flatten().map(|edge| edge.pictures.len() as u64).sum();
    let mut samples: Vec<Placed> = strand.samples[cut.middle].to_vec();
    let mut before = Vec::new();
    for (edge, front) in [(head, true), (tail, false)] {
        let Some(edge) = edge else { continue };
        let pictures = edge.place(strand)?;
        if front { before = pictures } else { samples.extend(pictures) }
    }
    strand.samples = before;
    strand.samples.extend(samples);
    Ok(anew)
}

/// Which edge. Each has parameter sets of its own number.
#[derive(Debug, Clone, Copy)]
enum Side {
    Head,
    Tail,
}

/// Pictures that were encoded anew.
struct Edge {
    /// The sample entry of those that they stand for.
    entry: u16,
    config: Config,
    file: PathBuf,
    /// Presentation time in ticks, bytes, key frame.
    pictures: Vec<(i64, u32, bool)>,
    /// Of each, ticks.
    duration: u32,
    /// Composition less decoding time, ticks: that of the key frame that they stand for, so that decoding times go on.
    composition: i32,
}

/// None of the group's pictures may be in the range: then there is nothing to encode.
fn encode(
    strand: &Strand,
    group: Range<usize>,
    wanted: &Range<i64>,
    side: Side,
    bench: &Bench<'_>,
) -> Result<Edge, MovieError> {
    let samples = &strand.samples[group];
    let scale = strand.head.timescale;
    let [from, until] = [wanted.start, wanted.end].map(|time| ticks(time, scale));
    let mut times: Vec<i64> = samples.iter().map(|sample| strand.presented(sample)).collect();
    times.retain(|time| (from..until).contains(time));
    times.sort_unstable();
    let first = samples.first().ok_or(MovieError::Empty)?;
    let own = Config::of_entry(&strand.entries[usize::from(first.entry)]);
    let own = own.ok_or_else(|| MovieError::Refused("only H.264 is cut exactly: cut it on key frames".to_owned()))?;
    let (duration, composition) = (first.duration, first.composition);
    let mut edge = Edge {
        entry: first.entry,
        config: own.clone(),
        file: bench.scratch.join(format!("{side:?}")),
        pictures: Vec::new(),
        duration,
        composition,
    };
    if times.is_empty() {
        return Ok(edge);
    }
    if own.profile() > 100 {
        return Err(MovieError::Refused(format!(
            "only 8-bit 4:2:0 H.264 is cut exactly, not profile {}: cut it on key frames",
            own.profile()
        )));
    }
    let number =
        own.free_number(side as usize).ok_or_else(|| MovieError::Refused("no parameter set is free".to_owned()))?;
    let order = EdgeOrder {
        config: hex::encode(own.write()),
        size: strand.head.size.map(|pixels| pixels >> 16),
        rate: [scale, duration.max(1)],
        pictures: samples.iter().map(|sample| picture(strand, sample)).collect(),
        from: nanos(from, scale) - HALF_MICROSECOND,
        until: nanos(until, scale) - HALF_MICROSECOND,
        number,
        output: edge.file.clone(),
    };
    let answer = ask(bench.worker, &order, bench.go_on).map_err(MovieError::Refused)?;
    if answer.pictures.len() != times.len() {
        let (came, due) = (answer.pictures.len(), times.len());
        return Err(MovieError::Refused(format!("the encoder gave {came} pictures of {due}")));
    }
    let config = hex::decode(&answer.config).ok().and_then(|record| Config::read(&record));
    edge.config = config.ok_or_else(|| MovieError::Refused("the encoder says nothing of its settings".to_owned()))?;
    edge.pictures = times.into_iter().zip(answer.pictures).map(|(time, (bytes, key))| (time, bytes, key)).collect();
    Ok(edge)
}

/// Times are rounded on their way: a limit lies a little before the picture that it means.
const HALF_MICROSECOND: i64 = 500;

fn picture(strand: &Strand, sample: &Placed) -> EdgePicture {
    let scale = strand.head.timescale;
    EdgePicture {
        file: strand.files[sample.file as usize].clone(),
        offset: sample.offset,
        bytes: sample.size,
        pts: nanos(strand.presented(sample), scale),
        dts: nanos(sample.dts, scale),
    }
}

impl Edge {
    /// The samples of this edge; its parameter sets go into the sample entry that the pictures beside have.
    fn place(self, strand: &mut Strand) -> Result<Vec<Placed>, MovieError> {
        if self.pictures.is_empty() {
            return Ok(Vec::new());
        }
        let apart = || MovieError::Refused("the pictures encoded anew do not fit those beside".to_owned());
        let old = &strand.entries[usize::from(self.entry)];
        let own = Config::of_entry(old).ok_or_else(apart)?;
        let both = own.with(&self.config).ok_or_else(apart)?;
        let entry = entry_with(old, &both).ok_or_else(apart)?;
        strand.entries[usize::from(self.entry)] = entry;
        let file = strand.files.len() as u32;
        strand.files.push(self.file);
        let (entry, duration, composition) = (self.entry, self.duration, self.composition);
        let lead = strand.head.lead - i64::from(composition);
        let mut offset = 0;
        Ok(self
            .pictures
            .into_iter()
            .map(|(time, size, key)| {
                let placed = Placed { dts: time + lead, offset, size, duration, composition, file, entry, key };
                offset += u64::from(size);
                placed
            })
            .collect())
    }
}

/// Has the worker encode it. The error is a sentence.
fn ask(worker: &Path, order: &EdgeOrder, go_on: &dyn Fn(f64) -> bool) -> Result<EdgeAnswer, String> {
    let text = serde_json::to_vec(order).map_err(|error| error.to_string())?;
    let mut child = Command::new(worker)
        .arg("--encode-edge")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{} cannot be run: {error}", worker.display()))?;
    if let Some(mut input) = child.stdin.take() {
        // One that has ended already has its reason in its answer.
        let _ = input.write_all(&text);
    }
    // The answer is a line for each of some hundred pictures at most: it fits the pipe.
    let status = wait(&mut child, go_on)?;
    let mut answer = String::new();
    if let Some(output) = child.stdout.take() {
        let _ = output.take(1 << 20).read_to_string(&mut answer);
    }
    if status.success() {
        serde_json::from_str(&answer).map_err(|error| format!("the worker's answer cannot be read: {error}"))
    } else {
        Err(format!("the pictures at the edge could not be encoded: {} ({status})", answer.trim()))
    }
}

fn wait(child: &mut Child, go_on: &dyn Fn(f64) -> bool) -> Result<std::process::ExitStatus, String> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if begun.elapsed() < BOUND && go_on(0.0) => std::thread::sleep(LOOK),
            waited => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(match waited {
                    Err(error) => format!("the worker cannot be waited for: {error}"),
                    Ok(_) if begun.elapsed() < BOUND => "stopped".to_owned(),
                    Ok(_) => format!("the worker took more than {} s", BOUND.as_secs()),
                });
            }
        }
    }
}
