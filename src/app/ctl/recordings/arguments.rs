//! What can be said of recordings on the command line.

use clap::{Args, Subcommand};

use crate::model::{BitRate, ChannelId, RenditionId};

const RANGES: &str = "\
Places in a recording:
  2026-11-21T20:15:00Z   that moment
  90, 1m30s, 1:30        so long after its begin
  -30, -1:00             so long before its end
  marker:2, marker:goal  a marker, by number or by the beginning of its text

Examples:
  uplinkctl recording clip demo/last --from marker:1 --to marker:2 --title 'First half'
  uplinkctl recording clip 20261121T190000Z --from 0:01:30 --to -10 --mp4
  uplinkctl recording clip demo/last --from 12.04 --to 18.88 --exact";

const EXAMPLES: &str = "\
A recording is named by its id, by CHANNEL/ID where two channels have the same, or CHANNEL/last.

Examples:
  uplinkctl recording list demo
  uplinkctl recording show demo/last
  uplinkctl recording verify 20261121T190000Z-evening-show
  uplinkctl recording stitch demo/last
  uplinkctl recording upload demo/last --to cloud --limit 10M
  uplinkctl recording jobs
  curl -O http://127.0.0.1:8080/api/v1/recordings/demo/20261121T190000Z/files/movies/20261121T190000Z.mp4";

/// `uplinkctl recording …`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RecordingArguments {
    #[command(subcommand)]
    pub(super) verb: RecordingVerb,
}

#[derive(Debug, Subcommand)]
pub(super) enum RecordingVerb {
    /// Which there are, newest first.
    List {
        /// Of this channel only.
        channel: Option<ChannelId>,
    },
    /// One with its renditions, gaps, markers, movies and jobs.
    Show {
        /// Its name.
        recording: String,
    },
    /// Make one MP4 of it, without encoding anything anew: on the key frames around its begin and its end.
    Stitch {
        /// Its name.
        recording: String,
        /// Its pictures [default: the best].
        #[arg(long)]
        video: Option<RenditionId>,
        /// Its sound; repeatable [default: the default one].
        #[arg(long)]
        audio: Vec<RenditionId>,
        /// From the picture at which it was ordered to begin to that of its end: the edges are encoded anew.
        #[arg(long)]
        exact: bool,
        #[command(flatten)]
        patience: Patience,
    },
    /// Cut a stretch out of it: as a recording of its own, on the borders of segments, or as an MP4.
    #[command(after_help = RANGES)]
    Clip {
        /// Its name.
        recording: String,
        /// Where it begins [default: where the recording does].
        #[arg(long, allow_hyphen_values = true)]
        from: Option<String>,
        /// Where it ends [default: where the recording does].
        #[arg(long, allow_hyphen_values = true)]
        to: Option<String>,
        /// What to call it.
        #[arg(long)]
        title: Option<String>,
        /// One MP4, cut on key frames.
        #[arg(long)]
        mp4: bool,
        /// One MP4, cut on the very picture: the first and last pictures are encoded anew (H.264 only).
        #[arg(long)]
        exact: bool,
        /// Pictures of the MP4 [default: the best].
        #[arg(long)]
        video: Option<RenditionId>,
        /// Sound of the MP4; repeatable [default: the default one].
        #[arg(long)]
        audio: Vec<RenditionId>,
        #[command(flatten)]
        patience: Patience,
    },
    /// Compare every file with its checksum; 1 if something is missing or torn.
    Verify {
        /// Its name.
        recording: String,
        #[command(flatten)]
        patience: Patience,
    },
    /// Send it to a destination: to vod/CHANNEL/ID/ there. What is there already is not sent again.
    Upload {
        /// Its name.
        recording: String,
        /// A destination of its channel (kind hls_push), or DESTINATION/ENDPOINT.
        #[arg(long)]
        to: String,
        /// The most it may take of the line, such as 10M [default: no limit].
        #[arg(long)]
        limit: Option<BitRate>,
        #[command(flatten)]
        patience: Patience,
    },
    /// Delete it, with its movies.
    Delete {
        /// Its name.
        recording: String,
    },
    /// Never delete it for lack of room, nor for its age.
    Protect {
        /// Its name.
        recording: String,
    },
    /// Delete it when room is needed, as any other.
    Unprotect {
        /// Its name.
        recording: String,
    },
    /// What is being done, and what was done since the daemon started.
    Jobs,
    /// Stop a job.
    Stop {
        /// Its number.
        job: u64,
    },
}

#[derive(Debug, Args)]
pub(super) struct Patience {
    /// Do not wait for the end; `recording jobs` shows how far it is.
    #[arg(long)]
    pub(super) detach: bool,
}
