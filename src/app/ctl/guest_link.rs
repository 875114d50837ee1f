//! `uplinkctl guest-link`: the link that makes a browser a source. Read from the configuration, not from the daemon: the
//! API gives no key to anybody.

use std::path::PathBuf;

use super::client::HERE;
use crate::app::check::own_classes;
use crate::config::{Credentials, SourceKind, load_with};
use crate::model::{ChannelId, SourceId};

/// Where the packaged daemon looks.
const DEFAULT: &str = "/etc/uplink";

/// The link for `source` of `channel`; a sentence if there is none.
pub(super) fn link(
    config: Option<PathBuf>,
    base: Option<&url::Url>,
    channel: &ChannelId,
    source: &SourceId,
) -> Result<String, String> {
    let path = config.unwrap_or_else(|| DEFAULT.into());
    let path = if path.is_dir() { path.join("uplinkd.toml") } else { path };
    let credentials = match Credentials::from_environment() {
        Credentials::At(None) => Credentials::NotHere,
        here => here,
    };
    let checked = load_with(&path, &[], &credentials, &own_classes(&path, None));
    let checked = checked.map_err(|faults| faults.to_string().trim_end().to_owned())?;
    let found = checked.channels.iter().find(|candidate| candidate.id == *channel);
    let found = found.ok_or_else(|| format!("there is no channel `{channel}` in {}", path.display()))?;
    let found = found.sources.iter().find(|candidate| candidate.id == *source);
    let found = found.ok_or_else(|| format!("channel `{channel}` has no source `{source}`"))?;
    let SourceKind::Whip { key, .. } = &found.kind else {
        return Err(format!("source `{source}` is none that guests publish to (kind = \"whip\")"));
    };
    let key = key.as_ref().ok_or("the key is a systemd credential, which only the service can read; use `key_file`")?;
    let base = base.cloned().map_or_else(|| HERE.parse(), Ok).map_err(|error: url::ParseError| error.to_string())?;
    let mut link = base.join(&format!("guest/{channel}/{source}")).map_err(|error| error.to_string())?;
    link.set_fragment(Some(&format!("key={}", key.reveal())));
    Ok(link.to_string())
}
