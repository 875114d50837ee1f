//! Whatever is found on disk at open.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use uplink::model::MediaTime;
use uplink::spool::Spool;

use crate::fixture::{FIRST, at, audio, boxed, check, grid, id, listed, play, start, video};

#[test]
fn a_part_cut_at_any_byte_keeps_its_whole_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = [video()];
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST, 3));
    let path = spool.path(&video().id, &format!("{FIRST}.m4s.part"));
    drop(spool);
    let whole = fs::read(&path).unwrap();
    let chunk = whole.len() / 3;
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let (spool, mended) = start(dir.path(), &feeds, at(FIRST, 3));
        let kept = cut / chunk;
        assert_eq!(mended.resumed, u64::from(kept > 0), "cut at {cut}: {mended}");
        assert_eq!(mended.bytes_discarded, (cut - kept * chunk) as u64, "cut at {cut}: {mended}");
        drop(spool);
        assert_eq!(fs::read(&path).unwrap_or_default(), whole[..kept * chunk], "cut at {cut}");
    }
}

#[test]
fn segments_are_read_back_when_the_index_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = [video(), audio()];
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 1), (FIRST + 2, 0));
    drop(spool);
    let (spool, _) = start(dir.path(), &feeds, at(FIRST + 3, 0));
    play(&spool, &feeds, (FIRST + 3, 0), (FIRST + 5, 0));
    let before: Vec<_> = feeds.iter().map(|feed| spool.segments(&feed.id)).collect();
    drop(spool);
    for feed in &feeds {
        fs::remove_file(dir.path().join(feed.id.as_str()).join("index.jsonl")).unwrap();
    }
    let (spool, mended) = start(dir.path(), &feeds, at(FIRST + 5, 0));
    assert_eq!((mended.adopted, mended.bytes_discarded), (8, 0), "{mended}");
    check(&spool);
    let near = |a: Duration, b: Duration| a.abs_diff(b) < Duration::from_micros(1);
    for (feed, before) in feeds.iter().zip(before) {
        for (mut now, before) in spool.segments(&feed.id).into_iter().zip(before) {
            assert!(near(now.duration, before.duration), "{now:?} {before:?}");
            now.duration = before.duration;
            assert_eq!(now, before);
        }
    }
}

#[test]
fn a_stale_index_gives_way_to_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = [video()];
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST + 4, 0));
    let path = |number| spool.segment_path(&video().id, number);
    let whole = fs::read(path(FIRST + 1)).unwrap();
    fs::remove_file(path(FIRST)).unwrap();
    fs::write(path(FIRST + 1), &whole[..whole.len() - 1]).unwrap();
    fs::write(path(FIRST + 2), b"").unwrap();
    fs::write(path(FIRST + 9), b"this is no media").unwrap();
    fs::write(spool.path(&video().id, "init-00000000.mp4.tmp"), b"half").unwrap();
    fs::write(spool.path(&video().id, "notes.txt"), b"a technician's").unwrap();
    let notes = spool.path(&video().id, "notes.txt");
    drop(spool);
    let (spool, mended) = start(dir.path(), &feeds, at(FIRST + 4, 0));
    assert_eq!((mended.segments_missing, mended.truncated, mended.adopted, mended.files_discarded), (1, 1, 1, 2));
    assert!(mended.lost_media());
    check(&spool);
    assert_eq!(listed(&spool, &video()), [(FIRST + 1, 0, false), (FIRST + 3, 0, false)]);
    assert_eq!(spool.segments(&video().id)[0].bytes as usize, whole.len() / 4 * 3);
    assert!(notes.exists(), "what is not ours stays");
    assert!(!spool.path(&video().id, "init-00000000.mp4.tmp").exists());
}

#[test]
fn hostile_files_are_survived() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = [video()];
    drop(start(dir.path(), &feeds, at(FIRST, 0)));
    let rendition = dir.path().join(video().id.as_str());
    let moof = |inside: &[u8]| [boxed(b"moof", &boxed(b"traf", inside)), boxed(b"mdat", b"")].concat();
    let tfhd = boxed(b"tfhd", &[0; 8]);
    let tfdt = |time: u64| boxed(b"tfdt", &[&[1, 0, 0, 0], time.to_be_bytes().as_slice()].concat());
    let trun = |flags: u32, count: u32| boxed(b"trun", &[flags.to_be_bytes(), count.to_be_bytes()].concat());
    let hostile = [
        moof(b""),
        moof(&[tfhd.clone(), tfdt(0), trun(0x100, u32::MAX)].concat()),
        moof(&[tfhd.clone(), tfdt(u64::MAX), trun(0, 1)].concat()),
        moof(&[tfhd.clone(), tfdt(1), trun(0x0100_0800, 1)].concat()),
        moof(&[boxed(b"tfhd", &[0, 0, 0, 8]), tfdt(0), trun(0, 1)].concat()),
        [1u32.to_be_bytes().as_slice(), b"moof", &u64::MAX.to_be_bytes()].concat(),
        [u32::MAX.to_be_bytes().as_slice(), b"moof"].concat(),
    ];
    for (index, data) in hostile.iter().enumerate() {
        fs::write(rendition.join(format!("{}.m4s", FIRST + index as u64)), data).unwrap();
    }
    // Believable but for where it plays: kept, at the place that its name says.
    fs::write(rendition.join(format!("{}.m4s", FIRST + 50)), moof(&[tfhd, tfdt(7), trun(0, 60)].concat())).unwrap();
    fs::create_dir(rendition.join(format!("{}.m4s", FIRST + 60))).unwrap();
    let (spool, mended) = start(dir.path(), &feeds, at(FIRST + 51, 0));
    check(&spool);
    assert_eq!(mended.files_discarded, hostile.len() as u64, "{mended}");
    assert_eq!(spool.last(&video().id).unwrap().start, at(FIRST + 50, 0));
}

/// What another muxer wrote is read as its own tools read it.
#[test]
fn segments_of_ffmpeg_are_adopted() {
    let dir = tempfile::tempdir().unwrap();
    if !make_with_ffmpeg(dir.path()) {
        eprintln!("SKIPPED segments_of_ffmpeg_are_adopted: no ffmpeg with libx264 here");
        return;
    }
    let renditions = [id("video"), id("audio")];
    let now = MediaTime::from_secs(7);
    let (spool, mended) = Spool::open(dir.path(), 1 << 30, Duration::from_secs(60), grid(), &renditions, now).unwrap();
    assert_eq!((mended.files_discarded, mended.truncated), (0, 0), "{mended}");
    let video = spool.segments(&renditions[0]);
    let starts: Vec<_> = video.iter().map(|segment| (segment.start.as_nanos(), segment.duration.as_millis())).collect();
    assert_eq!(starts, [(0, 2000), (2_000_000_000, 2000), (4_000_000_000, 2000)]);
    let codec = spool.codec(&renditions[0], &video[0].init).unwrap();
    assert!(codec.starts_with("avc1.42c0"), "constrained baseline: {codec}");
    let audio = spool.segments(&renditions[1]);
    assert_eq!(spool.codec(&renditions[1], &audio[0].init).as_deref(), Some("mp4a.40.2"));
    assert!(audio.len() >= 3 && audio.windows(2).all(|pair| pair[0].start < pair[1].start));
}

fn make_with_ffmpeg(dir: &Path) -> bool {
    let make = |rendition: &str, arguments: &[&str]| {
        let dir = dir.join(rendition);
        fs::create_dir(&dir).unwrap();
        let made = Command::new("timeout")
            .args(["30", "ffmpeg", "-v", "error"])
            .args(arguments)
            .args(["-f", "hls", "-hls_time", "2", "-hls_list_size", "0", "-hls_segment_type", "fmp4"])
            .args(["-hls_segment_filename", "%d.m4s", "-hls_fmp4_init_filename", "init.mp4", "out.m3u8"])
            .current_dir(&dir)
            .status();
        let made = made.is_ok_and(|status| status.success());
        if made {
            let init = fs::read(dir.join("init.mp4")).unwrap();
            fs::rename(dir.join("init.mp4"), dir.join(uplink::hls::init_name(&init))).unwrap();
        }
        made
    };
    let picture = ["-f", "lavfi", "-i", "testsrc=size=64x64:rate=25:duration=6", "-c:v", "libx264"];
    let picture = [&picture, ["-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"].as_slice()].concat();
    make("video", &picture) && make("audio", &["-f", "lavfi", "-i", "sine=sample_rate=48000:duration=6", "-c:a", "aac"])
}
