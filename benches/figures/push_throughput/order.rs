//! In what order things came, by the log of `uplink-origin` (`RUST_LOG=uplink::origin=debug`): a line for each object
//! before its sender hears that it is there.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;

#[derive(Default)]
pub struct Order {
    /// `<rendition>/<file>` of all that came.
    stored: HashSet<String>,
    /// Media playlists.
    pub playlists: u64,
    /// Names in media playlists that had not come by then.
    pub early: Vec<String>,
    /// Objects that came more than once, playlists aside.
    pub again: u64,
}

impl Order {
    pub fn read(log: &Path) -> anyhow::Result<Self> {
        let file = File::open(log).with_context(|| format!("cannot read {}", log.display()))?;
        let mut order = Self::default();
        for line in BufReader::new(file).lines() {
            if let Some((_, fields)) = line?.split_once(" stored path=") {
                order.note(fields);
            }
        }
        Ok(order)
    }

    /// Takes in `<channel>/<rendition>/<file> bytes=<n> names="<file>,…"`.
    fn note(&mut self, fields: &str) {
        let path = fields.split(' ').next().unwrap_or_default();
        let Some((_, path)) = path.split_once('/') else { return };
        // The multivariant playlist has no rendition, and names no segment.
        let Some((rendition, file)) = path.split_once('/') else { return };
        if !file.ends_with(".m3u8") {
            self.again += u64::from(!self.stored.insert(path.to_owned()));
            return;
        }
        self.playlists += 1;
        let names = fields.split_once("names=\"").map_or("", |(_, names)| names.trim_end().trim_end_matches('"'));
        for name in names.split(',').filter(|name| !name.is_empty()) {
            let name = format!("{rendition}/{name}");
            if !self.stored.contains(&name) {
                self.early.push(name);
            }
        }
    }

    /// Whether that segment came.
    pub fn has(&self, rendition: &str, number: u64) -> bool {
        self.stored.contains(&format!("{rendition}/{number}.m4s"))
    }
}
