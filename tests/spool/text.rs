//! Text: whole segments without an initialisation, beside pictures and through a crash.

use std::fs;
use std::time::Duration;

use uplink::model::RenditionId;
use uplink::spool::{Chunk, Init, Mended, Spool};

use crate::fixture::{FIRST, QUOTA, at, grid, id, play, video};

fn start(dir: &std::path::Path, now: u64) -> (Spool, Mended) {
    let ids: Vec<RenditionId> = vec![video().id, id("captions")];
    let opened = Spool::open(dir, QUOTA, Duration::from_secs(3600), grid(), &ids, at(now, 0)).unwrap();
    opened.0.put_init(video().init()).unwrap();
    opened.0.put_init(Init { rendition: id("captions"), codec: "wvtt".into(), data: Default::default() }).unwrap();
    opened
}

fn say(spool: &Spool, number: u64, text: &str) {
    let chunk = Chunk {
        rendition: id("captions"),
        number,
        start: grid().start_of(number),
        duration: grid().duration(),
        independent: true,
        last: true,
        data: format!("WEBVTT\n\n{text}\n").into(),
    };
    assert_eq!(spool.put_chunk(chunk).unwrap().map(|segment| segment.number), Some(number));
}

fn numbers(spool: &Spool) -> Vec<(u64, u64, String)> {
    let of =
        |segment: uplink::spool::Segment| (segment.number - FIRST, segment.discontinuity_sequence, segment.file_name());
    spool.segments(&id("captions")).into_iter().map(of).collect()
}

#[test]
fn text_outlives_a_crash_and_its_numbers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = start(dir.path(), FIRST);
    for number in FIRST..FIRST + 3 {
        play(&spool, &[video()], (number, 0), (number + 1, 0));
        say(&spool, number, "hello");
    }
    play(&spool, &[video()], (FIRST + 3, 0), (FIRST + 3, 2));
    drop(spool);
    let texts = dir.path().join("captions");
    assert_eq!(fs::read_to_string(texts.join(format!("{FIRST}.vtt"))).unwrap(), "WEBVTT\n\nhello\n");
    // A crash between file and index, one in the middle of a file, and a file that is none.
    fs::remove_file(texts.join("index.jsonl")).unwrap();
    fs::write(texts.join(format!("{}.vtt.part", FIRST + 3)), "WEBV").unwrap();
    fs::write(texts.join(format!("{}.vtt", FIRST + 2)), "\0\0\0").unwrap();

    let (spool, mended) = start(dir.path(), FIRST + 3);
    assert_eq!((mended.adopted, mended.files_discarded, mended.bytes_discarded), (2, 2, 7), "{mended}");
    assert!(!texts.join(format!("{}.vtt.part", FIRST + 3)).exists());
    assert_eq!(spool.codec(&id("captions"), "").as_deref(), Some("wvtt"));
    play(&spool, &[video()], (FIRST + 3, 2), (FIRST + 5, 0));
    say(&spool, FIRST + 3, "again");
    say(&spool, FIRST + 4, "on");
    let name = |n: u64| format!("{}.vtt", FIRST + n);
    assert_eq!(numbers(&spool), [(0, 0, name(0)), (1, 0, name(1)), (3, 0, name(3)), (4, 1, name(4))]);
    let pictures = spool.segments(&video().id);
    assert_eq!(pictures.last().map(|segment| segment.discontinuity_sequence), Some(1), "at the same number");
    drop(spool);

    let (spool, mended) = start(dir.path(), FIRST + 5);
    assert!(mended.is_clean(), "{mended}");
    assert_eq!(numbers(&spool).len(), 4);
    let kept = spool.retain(at(FIRST + 5000, 0), &|_, _| true);
    assert_eq!((kept.deleted, kept.overflowed.len()), (9, 0));
    assert!(!texts.join(name(4)).exists());
}
