//! A bundle for people who help from elsewhere: what doctor says, what the daemon says, logs, configuration, lists.
//!
//! ```text
//! papers of the box ─┐                 known secrets ─┐
//! answers of the API ┼─▶ each paper ─▶ scrub: patterns, then what is known ─▶ .tar.gz (mode 0600)
//! doctor's report ───┘
//! ```
//!
//! Owns: what goes in, and that no secret does. Everything passes [`scrub::Scrubber::clean`] as the last thing before it is
//! packed; what cannot be text is not packed. Must not: hold the content of recordings, of the database, of a process's
//! environment or of a file with a secret.

mod papers;
mod patterns;
mod scrub;
mod secrets;
mod settings;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

pub use papers::Paper;

use super::{Ground, Report};
use scrub::Scrubber;

/// What was packed.
#[derive(Debug)]
pub struct Packed {
    /// Files in it.
    pub files: usize,
    /// Length of the archive.
    pub bytes: u64,
    /// What is not in it, and why.
    pub missing: Vec<String>,
}

/// Packs everything into `file`, below a directory `name`.
pub fn pack(ground: &Ground, report: &Report, answers: Vec<Paper>, name: &str, file: &Path) -> io::Result<Packed> {
    let scrubber = Scrubber::knowing(secrets::known(ground));
    let doctor = serde_json::to_string_pretty(report).map_err(|error| error.to_string());
    let mut papers = vec![Paper::new("doctor.json", doctor)];
    papers.extend(answers);
    papers.extend(papers::gather(ground));
    let missing: Vec<String> = papers
        .iter()
        .filter_map(|paper| paper.text.as_ref().err().map(|why| scrubber.clean(&format!("{}: {why}", paper.name))))
        .collect();
    papers.insert(0, Paper::new("README.txt", Ok(readme(report, &missing))));
    let part = file.with_extension("part");
    let written = write(&papers, &scrubber, name, &part);
    let packed = written.and_then(|files| {
        std::fs::rename(&part, file)?;
        Ok(Packed { files, bytes: std::fs::metadata(file)?.len(), missing })
    });
    if packed.is_err() {
        // Nothing half is left; if that fails, too, the first reason is what counts.
        let _ = std::fs::remove_file(&part);
    }
    packed
}

fn write(papers: &[Paper], scrubber: &Scrubber, directory: &str, file: &Path) -> io::Result<usize> {
    let output = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    let mut archive = tar::Builder::new(GzEncoder::new(output, Compression::default()));
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0);
    let mut files = 0;
    for paper in papers {
        let Ok(text) = &paper.text else { continue };
        let text = scrubber.clean(text);
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(now);
        let path = format!("{directory}/{}", plain(&scrubber.clean(&paper.name)));
        archive.append_data(&mut header, path, text.as_bytes())?;
        files += 1;
    }
    let mut output = archive.into_inner()?.finish()?;
    output.flush()?;
    output.sync_all()?;
    Ok(files)
}

/// A path that stays below its directory, whatever a file was called.
fn plain(name: &str) -> String {
    let good = |c: char| if c.is_ascii_alphanumeric() || "._-/".contains(c) { c } else { '_' };
    let parts = name.split('/').map(|part| part.trim_start_matches('.').chars().map(good).collect::<String>());
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

fn readme(report: &Report, missing: &[String]) -> String {
    let list = if missing.is_empty() { "nothing".to_owned() } else { missing.join("\n  ") };
    format!(
        "A support bundle of Uplink {}, made {}.\n\n\
         doctor.json      what `uplinkctl doctor` finds\n\
         api/             what the daemon says: status, alarms, events, devices, capacity, configuration in force\n\
         configuration/   what a technician wrote, without comments\n\
         journal/         of the services, and of the kernel\n\
         workers/         the end of each worker's log\n\
         hardware/ state/ run/ network/ clock/   lists: no content of recordings or of the database\n\n\
         Secrets are replaced by {}: those of every file that the configuration names, of credentials and variables, as\n\
         far as whoever made this bundle may read them, and whatever looks like one. Look through it before you pass it on.\n\n\
         Not in it:\n  {list}\n",
        report.version,
        report.at,
        scrub::GONE,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_their_directory() {
        assert_eq!(plain("../../etc/x"), "etc/x");
        assert_eq!(plain("/workers/a b;.log"), "workers/a_b_.log");
    }
}
