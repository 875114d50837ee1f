//! An origin on loopback that serves what the test put on stage, and may change it while it is played.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::clip::Clip;

/// A media playlist as data.
#[derive(Clone)]
pub struct Media {
    pub sequence: u64,
    pub target: u64,
    pub discontinuity_sequence: u64,
    pub ended: bool,
    pub entries: Vec<Entry>,
}

#[derive(Clone)]
pub struct Entry {
    pub uri: String,
    pub seconds: f64,
    /// Nanoseconds since the epoch.
    pub date: u64,
    pub discontinuity: bool,
    pub gap: bool,
    /// Another initialisation segment from here on.
    pub map: Option<String>,
}

impl Media {
    fn of(clip: &Clip) -> Self {
        let entries = (0..clip.segments.len()).map(|n| {
            let (start, duration) = clip.span(n);
            Entry {
                uri: format!("{n}.m4s"),
                seconds: duration as f64 / 1e9,
                date: start,
                discontinuity: false,
                gap: false,
                map: None,
            }
        });
        let entries: Vec<Entry> = entries.collect();
        // Audio packets begin a little before or after the second.
        let sequence = (entries[0].date + 500_000_000) / 1_000_000_000;
        Self { sequence, target: 1, discontinuity_sequence: 0, ended: true, entries }
    }

    pub fn render(&self) -> String {
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{}\n\
             #EXT-X-DISCONTINUITY-SEQUENCE:{}\n#EXT-X-MAP:URI=\"init.mp4\"\n",
            self.target, self.sequence, self.discontinuity_sequence
        );
        for entry in &self.entries {
            if entry.discontinuity {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            if let Some(map) = &entry.map {
                let _ = writeln!(text, "#EXT-X-MAP:URI=\"{map}\"");
            }
            if entry.gap {
                text.push_str("#EXT-X-GAP\n");
            }
            let date = jiff::Timestamp::from_millisecond(((entry.date + 500_000) / 1_000_000) as i64).unwrap();
            let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{date:.3}\n#EXTINF:{:.3},\n{}", entry.seconds, entry.uri);
        }
        if self.ended {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        text
    }
}

/// What a test puts on stage.
pub struct Stage {
    pub media: Vec<(String, Media)>,
    pub files: HashMap<String, Vec<u8>>,
}

impl Stage {
    /// One rendition per named clip.
    pub fn of(clips: &[(&str, &Clip)]) -> Self {
        let mut files = HashMap::new();
        for (name, clip) in clips {
            files.insert(format!("{name}/init.mp4"), clip.init.clone());
            for (n, segment) in clip.segments.iter().enumerate() {
                files.insert(format!("{name}/{n}.m4s"), segment.clone());
            }
        }
        Self { media: clips.iter().map(|(name, clip)| ((*name).to_owned(), Media::of(clip))).collect(), files }
    }

    /// The media playlist of the first rendition.
    pub fn first(&mut self) -> &mut Media {
        &mut self.media[0].1
    }

    pub fn entry(&mut self, n: usize) -> &mut Entry {
        &mut self.first().entries[n]
    }

    pub fn segment(&mut self, path: &str) -> &mut Vec<u8> {
        self.files.get_mut(path).unwrap()
    }

    /// All files with all playlists.
    fn render(mut self) -> HashMap<String, Vec<u8>> {
        let mut multivariant = "#EXTM3U\n".to_owned();
        for (name, media) in &self.media {
            let _ = if name.starts_with("sound") {
                writeln!(multivariant, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"{name}/media.m3u8\"")
            } else {
                writeln!(multivariant, "#EXT-X-STREAM-INF:BANDWIDTH=400000,AUDIO=\"a\"\n{name}/media.m3u8")
            };
            self.files.insert(format!("{name}/media.m3u8"), media.render().into_bytes());
        }
        self.files.insert("multivariant.m3u8".to_owned(), multivariant.into_bytes());
        self.files
    }
}

#[derive(Clone, Default)]
struct Served {
    files: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    refused: Arc<AtomicU64>,
    requests: Arc<Mutex<HashMap<String, u64>>>,
}

/// What [`Origin::put`] takes for a file that is answered with 503.
pub const UNAVAILABLE: &[u8] = b"503";

/// Serves until dropped with its runtime.
pub struct Origin {
    pub address: String,
    served: Served,
}

impl Origin {
    pub async fn open(stage: Stage) -> Self {
        let served = Served::default();
        *served.files.lock().unwrap() = stage.render();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/multivariant.m3u8", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(serve).with_state(served.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, served }
    }

    pub fn put(&self, path: &str, data: Vec<u8>) {
        self.served.files.lock().unwrap().insert(path.to_owned(), data);
    }

    /// How often `path` was asked for.
    pub fn asked(&self, path: &str) -> u64 {
        self.served.requests.lock().unwrap().get(path).copied().unwrap_or(0)
    }

    /// How many requests were answered with 503.
    pub fn refused(&self) -> u64 {
        self.served.refused.load(Ordering::Relaxed)
    }
}

async fn serve(State(served): State<Served>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    *served.requests.lock().unwrap().entry(path.to_owned()).or_default() += 1;
    match served.files.lock().unwrap().get(path) {
        Some(data) if data == UNAVAILABLE => {
            served.refused.fetch_add(1, Ordering::Relaxed);
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Some(data) => data.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
