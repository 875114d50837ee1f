//! The confidence monitor: a small JPEG of what leaves the program, for the panel.
//!
//! Owns: one file, replaced as a whole about twice a second. Must not: hold up who offers pictures; what is not due or
//! does not fit is dropped. Its modification time is the time of the picture in it.
//!
//! ```text
//! offer ─ (due?) ─ appsrc ─ videoconvertscale ─ jpegenc ─ appsink ─► path.tmp ─ rename ─► path
//! ```

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::MediaError;
use super::encode::picture_caps;
use super::init::{bounded, element, init};
use crate::model::{PictureSize, ProgramFormat};

/// Width of the picture; its height follows the program's shape.
const WIDTH: u32 = 320;

/// A running confidence monitor; stops when dropped. The last picture stays.
pub struct Monitor {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    interval: Duration,
    due: Mutex<Option<Instant>>,
    written: Arc<AtomicU64>,
}

impl Monitor {
    /// Writes to `path` at most every `interval`. The directory has to exist.
    pub fn start(format: &ProgramFormat, path: PathBuf, interval: Duration) -> Result<Self, MediaError> {
        init()?;
        let failed = |reason: String| MediaError::graph("the confidence monitor", reason);
        let pipeline = gst::Pipeline::with_name("confidence");
        let source = gst_app::AppSrc::builder()
            .name("confidence-source")
            .caps(&picture_caps(format))
            .format(gst::Format::Time)
            .build();
        let scale = element("videoconvertscale", "confidence-scale")?;
        let filter = element("capsfilter", "confidence-size")?;
        filter.set_property("caps", small_caps(format.size));
        let encoder = element("jpegenc", "confidence-jpeg")?;
        encoder.set_property("quality", 75i32);
        let sink = gst_app::AppSink::builder().name("confidence-sink").sync(false).async_(false).build();
        let chain = [source.upcast_ref(), &scale, &filter, &encoder, sink.upcast_ref()];
        pipeline.add_many(chain).map_err(|error| failed(error.to_string()))?;
        gst::Element::link_many(chain).map_err(|error| failed(error.to_string()))?;
        let written = Arc::new(AtomicU64::default());
        write_each(&sink, path, Arc::clone(&written));
        pipeline.set_state(gst::State::Playing).map_err(|error| failed(error.to_string()))?;
        Ok(Self { pipeline, source, interval, due: Mutex::new(None), written })
    }

    /// Whether a picture would be taken now.
    pub fn is_due(&self) -> bool {
        let due = *self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.is_none_or(|due| Instant::now() >= due) && self.source.current_level_buffers() == 0
    }

    /// Takes a program picture (PTS = media time) if one is due and the last is done. Never blocks.
    pub fn offer(&self, picture: &gst::Buffer) {
        let now = Instant::now();
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.is_some_and(|due| now < due) || self.source.current_level_buffers() > 0 {
            return;
        }
        *due = Some(now + self.interval);
        // Refused only after an error of the graph; the file's age then shows it.
        let _ = self.source.push_buffer(picture.clone());
    }

    /// Pictures written so far.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let pipeline = self.pipeline.clone();
        if bounded(Duration::from_secs(1), move || pipeline.set_state(gst::State::Null)).is_none() {
            tracing::warn!("the confidence monitor did not stop within 1 s; its disk may hang");
        }
    }
}

/// Full range, as JPEG files are.
fn small_caps(program: PictureSize) -> gst::Caps {
    let width = WIDTH.min(program.width());
    let height = (u64::from(width) * u64::from(program.height()) / u64::from(program.width())) as u32;
    gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", width as i32)
        .field("height", (height & !1).max(2) as i32)
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field("colorimetry", "1:4:0:0")
        .build()
}

fn write_each(sink: &gst_app::AppSink, path: PathBuf, written: Arc<AtomicU64>) {
    let failing = AtomicBool::new(false);
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(move |sink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let Some(buffer) = sample.buffer() else { return Ok(gst::FlowSuccess::Ok) };
        let data = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
        let taken = buffer.pts().map(|pts| SystemTime::UNIX_EPOCH + Duration::from_nanos(pts.nseconds()));
        match replace(&path, &data, taken) {
            Ok(()) => {
                written.fetch_add(1, Ordering::Relaxed);
                failing.store(false, Ordering::Relaxed);
            }
            Err(error) if !failing.swap(true, Ordering::Relaxed) => {
                tracing::warn!("cannot write the confidence picture {}: {error}", path.display());
            }
            Err(_) => {}
        }
        Ok(gst::FlowSuccess::Ok)
    });
    sink.set_callbacks(callbacks.build());
}

/// Whoever reads sees a whole picture, the old or the new.
fn replace(path: &Path, data: &[u8], taken: Option<SystemTime>) -> std::io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(data)?;
    if let Some(taken) = taken {
        file.set_modified(taken)?;
    }
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AudioFormat, FrameRate};

    fn format() -> ProgramFormat {
        ProgramFormat {
            size: PictureSize::new(1280, 720).unwrap(),
            frame_rate: FrameRate::new(25, 1).unwrap(),
            audio: AudioFormat { sample_rate: 48_000, channels: 2 },
        }
    }

    fn picture(seconds: u64) -> gst::Buffer {
        let mut buffer = crate::media::slate::render(&format(), "Confidence", "is a picture");
        buffer.make_mut().set_pts(gst::ClockTime::from_seconds(seconds));
        buffer
    }

    fn wait_until(mut done: impl FnMut() -> bool) {
        let until = Instant::now() + Duration::from_secs(10);
        while !done() {
            assert!(Instant::now() < until, "nothing happened");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn a_due_picture_is_written_whole_with_its_own_time() {
        init().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("program.jpg");
        let monitor = Monitor::start(&format(), path.clone(), Duration::from_secs(3600)).unwrap();
        let picture = picture(1_763_683_200);
        for _ in 0..50 {
            monitor.offer(&picture);
        }
        wait_until(|| monitor.written() > 0);
        let data = std::fs::read(&path).unwrap();
        assert_eq!((&data[..2], &data[data.len() - 2..]), (&[0xff, 0xd8][..], &[0xff, 0xd9][..]));
        let time = std::fs::metadata(&path).unwrap().modified().unwrap();
        assert_eq!(time, SystemTime::UNIX_EPOCH + Duration::from_secs(1_763_683_200));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        assert_eq!(monitor.written(), 1, "only one was due");
    }

    #[test]
    fn a_disk_that_refuses_does_not_end_the_monitor() {
        init().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("later").join("program.jpg");
        let monitor = Monitor::start(&format(), path.clone(), Duration::ZERO).unwrap();
        monitor.offer(&picture(1));
        wait_until(|| monitor.source.current_level_buffers() == 0);
        std::fs::create_dir(directory.path().join("later")).unwrap();
        let picture = picture(2);
        wait_until(|| {
            monitor.offer(&picture);
            monitor.written() > 0
        });
        assert!(path.exists());
    }
}
