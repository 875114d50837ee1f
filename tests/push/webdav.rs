//! A WebDAV server that makes no directory by itself; old segments; other paths than the usual ones.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use uplink::model::EndpointStatus;
use uplink::model::status::DestinationState;
use uplink::model::upload::{StoreKind, Upload};

use crate::nginx::Nginx;
use crate::studio::{Studio, until};

fn even(status: &EndpointStatus) -> bool {
    status.state == DestinationState::Streaming && status.queue_segments == 0
}

#[tokio::test]
async fn directories_are_made_and_made_again() {
    let Some(mut nginx) = Nginx::start_without_directories() else { return };
    let mut studio = Studio::new();
    studio.produce(8);
    let mut description = studio.description(&nginx.url());
    description.upload = Upload { store: StoreKind::Webdav, ..Upload::default() };
    let pusher = studio.push(description);
    until(&pusher, "even", even).await;
    studio.assert_delivered(&nginx.root(), studio.first..studio.next);
    studio.assert_playlists(&nginx.root());
    nginx.go_away();
    std::fs::remove_dir_all(nginx.root()).expect("the server's disk is lost");
    studio.produce(2);
    until(&pusher, "interrupted", |status| status.state == DestinationState::Interrupted).await;
    nginx.come_back();
    studio.produce(1);
    until(&pusher, "even", even).await;
    assert!(pusher.stop(Duration::from_secs(20)).await.is_nothing());
    studio.assert_delivered(&nginx.root(), studio.first..studio.next);
    studio.assert_playlists(&nginx.root());
}

fn segments(directory: &Path) -> BTreeSet<u64> {
    let names = std::fs::read_dir(directory).expect("a directory").flatten();
    names.filter_map(|entry| uplink::hls::segment_number(entry.file_name().to_str()?)).collect()
}

#[tokio::test]
async fn what_has_had_its_time_is_deleted_and_nothing_else() {
    let Some(nginx) = Nginx::start() else { return };
    let mut studio = Studio::new();
    studio.produce(10);
    let mut description = studio.description(&nginx.url());
    description.upload.delete_after_seconds = Some(5);
    let pusher = studio.push(description);
    until(&pusher, "even", even).await;
    // 6 are in the playlist, 10 more are kept for their 5 s: of 30, 14 go.
    studio.produce(20);
    until(&pusher, "swept", |status| even(status) && status.deleted_segments == 14 * 3).await;
    for rendition in &studio.renditions {
        let there = segments(&nginx.root().join("demo").join(rendition.as_str()));
        assert_eq!(there, (studio.first + 14..studio.next).collect(), "{rendition}");
    }
    studio.assert_playlists(&nginx.root());
    assert!(pusher.stop(Duration::from_secs(20)).await.is_nothing());
    // The next run knows what the last one has left there.
    studio.produce(4);
    let mut description = studio.description(&nginx.url());
    description.upload.delete_after_seconds = Some(5);
    let pusher = studio.push(description);
    until(&pusher, "swept", |status| even(status) && status.deleted_segments == 4 * 3).await;
    drop(pusher);
}

/// What a player finds that begins at `multivariant` and follows every reference.
fn follow(root: &Path, multivariant: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let read =
        |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let uris = |text: &str| -> Vec<String> {
        let tagged = text.split("URI=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()));
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned);
        tagged.chain(lines).collect()
    };
    let start = root.join(multivariant);
    for playlist in uris(&read(&start)) {
        let playlist = start.parent().expect("a directory").join(playlist);
        for object in uris(&read(&playlist)) {
            let object = playlist.parent().expect("a directory").join(object);
            let object = std::fs::canonicalize(&object).unwrap_or_else(|error| panic!("{}: {error}", object.display()));
            let root = std::fs::canonicalize(root).expect("the root");
            found.insert(object.strip_prefix(root).expect("below the root").to_str().expect("text").to_owned());
        }
    }
    found
}

#[tokio::test]
async fn players_find_everything_on_other_paths() {
    let Some(nginx) = Nginx::start() else { return };
    let mut studio = Studio::new();
    studio.produce(8);
    let mut description = studio.description(&nginx.url());
    description.upload.paths = "tv/{date}/{hour}/{channel}-{rendition}/{name}".parse().expect("a template");
    let pusher = studio.push(description);
    until(&pusher, "even", even).await;
    assert!(pusher.stop(Duration::from_secs(20)).await.is_nothing());
    let found = follow(&nginx.root(), "tv/multivariant.m3u8");
    for rendition in &studio.renditions {
        for number in studio.next - 6..studio.next {
            let start = studio.grid.start_of(number).to_string();
            let path = format!("tv/{}/{}/demo-{rendition}/{number}.m4s", &start[..10], &start[11..13]);
            assert!(found.contains(&path), "{path} is not among {found:?}");
        }
    }
}
