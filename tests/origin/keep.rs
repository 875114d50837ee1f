//! What is kept and what goes.

use crate::running::{ALL, Place, until};

const QUICK: &str = "[retention]\nretain = \"300ms\"\nsweep = \"50ms\"";

fn playlist(numbers: &[u64]) -> String {
    let segments: String = numbers.iter().map(|number| format!("#EXTINF:0.1,\n{number}.m4s\n")).collect();
    format!("#EXTM3U\n#EXT-X-TARGETDURATION:0\n#EXT-X-MAP:URI=\"init-0000000b.mp4\"\n{segments}")
}

#[test]
fn what_left_the_playlist_goes_and_what_it_names_stays() {
    let origin = Place::new(QUICK).start();
    for number in 1..=4 {
        origin.store(&format!("demo/v/{number}.m4s"), "x");
    }
    origin.store("demo/v/init-0000000a.mp4", "old");
    origin.store("demo/v/init-0000000b.mp4", "new");
    origin.store("demo/v/media.m3u8", playlist(&[3, 4]));
    for gone in ["1.m4s", "2.m4s", "init-0000000a.mp4"] {
        until(gone, || !origin.holds(&format!("demo/v/{gone}")));
    }
    // A later object goes, too: so many rounds have passed over those that must stay.
    origin.store("demo/v/5.m4s", "x");
    until("5.m4s", || !origin.holds("demo/v/5.m4s"));
    for kept in ["3.m4s", "4.m4s", "init-0000000b.mp4", "media.m3u8"] {
        assert_eq!(origin.get(&format!("/live/demo/v/{kept}")).status, 200, "{kept}");
    }
}

#[test]
fn a_channel_that_its_playlists_fill_takes_no_more() {
    let origin = Place::new("[retention]\nmax_bytes = \"64KiB\"\nsweep = \"50ms\"").start();
    origin.store("demo/v/1.m4s", vec![1; 60 << 10]);
    origin.store("demo/v/media.m3u8", playlist(&[1]));
    let answer = origin.put("/live/demo/v/2.m4s", ALL, &[1; 8 << 10]);
    assert_eq!((answer.status, answer.reason().as_str()), (507, "channel-full"));
    assert_eq!(origin.get("/live/demo/v/1.m4s").status, 200);
    // The neighbour has its own allowance.
    origin.store("other/v/1.m4s", vec![1; 8 << 10]);
    // A playlist gets through, and an object deleted makes room.
    origin.store("demo/v/media.m3u8", playlist(&[]));
    assert_eq!(origin.delete("/live/demo/v/1.m4s", ALL).status, 204);
    until("there is room again", || origin.put("/live/demo/v/2.m4s", ALL, &[1; 8 << 10]).status == 201);
}
