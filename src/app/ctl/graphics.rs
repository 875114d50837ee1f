//! `uplinkctl overlay`, `slate-set` and `image`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::client::{Client, Failure};
use crate::model::image::{ImageName, image_head};
use crate::model::overlay::{Overlay, OverlayKind, Place, Zone};
use crate::model::{ChannelId, LiveChange, MediaTime};

/// `uplinkctl overlay <channel> …`.
#[derive(Debug, Args)]
pub(crate) struct OverlayArguments {
    /// The channel's id.
    pub(crate) channel: ChannelId,
    #[command(subcommand)]
    verb: OverlayVerb,
}

#[derive(Debug, Subcommand)]
enum OverlayVerb {
    /// An image of the box, in a corner.
    Logo {
        /// Its name, as `uplinkctl image list` shows it.
        image: ImageName,
        #[arg(long, value_enum, default_value_t = At::TopRight)]
        place: At,
        /// Percent of the program's width.
        #[arg(long, default_value_t = 12)]
        width: u8,
        /// Percent.
        #[arg(long, default_value_t = 100)]
        opacity: u8,
    },
    /// One or more lines.
    Text {
        text: String,
        #[arg(long, value_enum, default_value_t = At::Top)]
        place: At,
        /// Height of a line, percent of the program's height.
        #[arg(long, default_value_t = 5)]
        height: u8,
    },
    /// Name and function of who speaks.
    LowerThird {
        title: String,
        #[arg(default_value = "")]
        subtitle: String,
    },
    /// The time of day.
    Clock {
        #[arg(long, value_enum, default_value_t = At::TopLeft)]
        place: At,
        /// UTC instead of the box's time.
        #[arg(long)]
        utc: bool,
    },
    /// Time of day and frame of each picture.
    Timecode {
        #[arg(long, value_enum, default_value_t = At::Bottom)]
        place: At,
        /// UTC instead of the box's time.
        #[arg(long)]
        utc: bool,
    },
    /// Take one away.
    Off { kind: Kind },
    /// Show one again as it is configured.
    AsConfigured { kind: Kind },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum At {
    TopLeft,
    Top,
    TopRight,
    Middle,
    BottomLeft,
    Bottom,
    BottomRight,
}

impl From<At> for Place {
    fn from(at: At) -> Self {
        match at {
            At::TopLeft => Place::TopLeft,
            At::Top => Place::Top,
            At::TopRight => Place::TopRight,
            At::Middle => Place::Middle,
            At::BottomLeft => Place::BottomLeft,
            At::Bottom => Place::Bottom,
            At::BottomRight => Place::BottomRight,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Logo,
    Text,
    LowerThird,
    Clock,
    Timecode,
}

impl From<Kind> for OverlayKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Logo => OverlayKind::Logo,
            Kind::Text => OverlayKind::Text,
            Kind::LowerThird => OverlayKind::LowerThird,
            Kind::Clock => OverlayKind::Clock,
            Kind::Timecode => OverlayKind::Timecode,
        }
    }
}

impl OverlayArguments {
    /// The change to send.
    pub(crate) fn body(&self) -> Result<Value, Failure> {
        let zone = |utc: bool| if utc { Zone::Utc } else { Zone::Local };
        let overlay = match &self.verb {
            OverlayVerb::Off { kind } => return change(&LiveChange::OverlayOff { kind: (*kind).into() }),
            OverlayVerb::AsConfigured { kind } => {
                return change(&LiveChange::OverlayAsConfigured { kind: (*kind).into() });
            }
            OverlayVerb::Logo { image, place, width, opacity } => Overlay::Logo {
                image: image.clone(),
                place: (*place).into(),
                width_percent: *width,
                opacity_percent: *opacity,
            },
            OverlayVerb::Text { text, place, height } => {
                Overlay::Text { text: text.clone(), place: (*place).into(), height_percent: *height }
            }
            OverlayVerb::LowerThird { title, subtitle } => {
                Overlay::LowerThird { title: title.clone(), subtitle: subtitle.clone() }
            }
            OverlayVerb::Clock { place, utc } => Overlay::Clock { place: (*place).into(), zone: zone(*utc) },
            OverlayVerb::Timecode { place, utc } => Overlay::Timecode { place: (*place).into(), zone: zone(*utc) },
        };
        change(&LiveChange::Overlay { overlay })
    }
}

/// `uplinkctl slate-set <channel> …`.
#[derive(Debug, Args)]
pub(crate) struct SlateSet {
    /// The channel's id.
    pub(crate) channel: ChannelId,
    /// One or more lines.
    #[arg(long)]
    text: Option<String>,
    /// An image of the box, behind the words.
    #[arg(long)]
    image: Option<ImageName>,
    /// A time to count down to, such as 2026-11-22T20:00:00+01:00.
    #[arg(long, value_parser = time)]
    countdown_to: Option<MediaTime>,
}

/// A time as the API takes it.
pub(super) fn time(text: &str) -> Result<MediaTime, String> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|error| error.to_string())
}

impl SlateSet {
    /// The change to send.
    pub(crate) fn body(&self) -> Result<Value, Failure> {
        let (text, image, countdown_to) = (self.text.clone(), self.image.clone(), self.countdown_to);
        change(&LiveChange::Slate { text, image, countdown_to })
    }
}

fn change(change: &LiveChange) -> Result<Value, Failure> {
    serde_json::to_value(change).map_err(|error| local("malformed", error.to_string()))
}

/// What was refused here already, before anybody was asked.
pub(super) fn local(code: &str, detail: String) -> Failure {
    Failure::Refused { code: code.to_owned(), detail, errors: Vec::new() }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImageVerb {
    /// Which there are.
    List,
    /// Send one, PNG or JPEG, at most 2 MB; in the place of one of the same name with --yes.
    Put {
        file: PathBuf,
        /// Its name on the box [default: that of the file].
        name: Option<ImageName>,
    },
    /// Delete one. Overlays that show it stay until they are drawn anew.
    Delete { name: ImageName },
}

/// Carries it out.
pub(crate) async fn image(client: &Client, verb: &ImageVerb, as_json: bool) -> Result<String, Failure> {
    let (text, answer) = match verb {
        ImageVerb::List => client.get("api/v1/images").await?,
        ImageVerb::Put { file, name } => {
            let data = std::fs::read(file).map_err(|error| local("no_file", format!("{}: {error}", file.display())))?;
            // Before two megabytes are sent over a slow line.
            image_head(&data).map_err(|reason| local("bad_image", format!("{}: {reason}", file.display())))?;
            let own = || file.file_name().unwrap_or_default().to_string_lossy().parse::<ImageName>();
            let name = match name {
                Some(name) => name.clone(),
                None => own().map_err(|reason| local("bad_name", reason))?,
            };
            client.put(&format!("api/v1/images/{name}"), data).await?
        }
        ImageVerb::Delete { name } => client.delete(&format!("api/v1/images/{name}")).await?,
    };
    Ok(if as_json { text } else { lines(&answer) })
}

fn lines(answer: &Value) -> String {
    let one = |image: &Value| {
        let word = |key: &str| image[key].to_string().trim_matches('"').to_owned();
        format!("{:24} {:>5}x{:<5} {:>9} bytes\n", word("name"), word("width"), word("height"), word("bytes"))
    };
    match answer {
        Value::Array(images) if images.is_empty() => "no images\n".to_owned(),
        Value::Array(images) => images.iter().map(one).collect(),
        image if image.get("width").is_some() => one(image),
        _ => format!("{}\n", answer.get("text").unwrap_or(&json!("done")).to_string().trim_matches('"')),
    }
}
