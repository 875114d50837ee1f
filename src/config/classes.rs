//! Where stream classes come from: the directory that the configuration names (the package's, or the technician's), and
//! the site's own copies, which the daemon writes.
//!
//! ```text
//!  tried, not on disk ─▶ own copy, in the state directory ─▶ the configuration's directory
//!          name by name, the first that there is counts
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Findings;
use super::directories::{ByName, directory_of, stem_of, toml_files};
use super::files::{Base, Files};
use super::stream_class::{self, StreamClass};
use crate::document::{Section, Source, Spot};

/// The site's own stream classes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnClasses {
    /// Where they are; it may not be there yet.
    pub directory: Option<PathBuf>,
    /// One that is tried without being written.
    pub tried: Option<ClassTrial>,
}

/// A stream class that is tried without being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassTrial {
    /// Its name.
    pub name: String,
    /// The own copy as it would be; none if there would be no own copy.
    pub text: Option<String>,
}

/// A stream class as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassFile {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Whether it is a copy of the site's own.
    pub own: bool,
}

impl OwnClasses {
    /// Those of a daemon that keeps everything in `state`.
    pub fn below(state: &Path) -> Self {
        Self { directory: Some(state.join("pipelines")), tried: None }
    }

    /// The same, with one that is tried.
    pub fn trying(self, tried: Option<ClassTrial>) -> Self {
        Self { tried, ..self }
    }
}

impl ClassFile {
    /// The class that it describes, by itself, and its faults.
    pub fn describes(&self, name: &str) -> (Option<StreamClass>, Findings) {
        let mut findings = Findings::default();
        let source = Source::new(&self.path.display().to_string(), self.text.as_str());
        let class = stream_class::read(&source, name, &mut findings);
        (class, findings)
    }
}

/// All stream classes.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    /// The configuration's directory.
    pub(crate) directory: PathBuf,
    /// Each by name; none for a faulty one.
    pub(crate) checked: ByName<Arc<StreamClass>>,
    /// What was read, by name.
    pub(crate) files: BTreeMap<String, ClassFile>,
}

pub(crate) fn read(paths: &Section<'_>, base: &Base<'_>, own: &OwnClasses, findings: &mut Findings) -> Classes {
    let directory = directory_of(paths, "pipelines", "pipelines", base);
    let mut places: BTreeMap<String, (PathBuf, bool)> = BTreeMap::new();
    for path in toml_files(base.files, &directory, &paths.spot("pipelines"), findings) {
        places.extend(stem_of(&path).map(|stem| (stem, (path, false))));
    }
    for path in own.directory.iter().flat_map(|directory| own_files(base.files, directory, findings)) {
        places.extend(stem_of(&path).map(|stem| (stem, (path, true))));
    }
    let tried = own.tried.as_ref().zip(own.directory.as_ref());
    if let Some((ClassTrial { name, text }, own)) = tried {
        let shipped = Some(directory.join(name).with_extension("toml")).filter(|path| path.is_file());
        let place = match text {
            Some(_) => Some((own.join(format!("{name}.toml")), true)),
            None => shipped.map(|path| (path, false)),
        };
        match place {
            Some(place) => drop(places.insert(name.clone(), place)),
            None => drop(places.remove(name)),
        }
    }
    let mut classes = Classes { directory, ..Classes::default() };
    for (name, (path, own)) in places {
        let source = match tried {
            Some((ClassTrial { name: tried, text: Some(text) }, _)) if *tried == name => {
                Some(Source::new(&path.display().to_string(), text.as_str()))
            }
            _ => base.files.source(&path, &mut findings.faults),
        };
        let checked = source.as_ref().and_then(|source| stream_class::read(source, &name, findings)).map(Arc::new);
        if let Some(source) = source {
            classes.files.insert(name.clone(), ClassFile { path, text: source.into_text(), own });
        }
        classes.checked.insert(name, checked);
    }
    classes
}

/// The own copies; a directory that is not there has none.
fn own_files(files: &Files, directory: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    files.toml_files(directory).unwrap_or_else(|error| {
        if error.kind() != std::io::ErrorKind::NotFound {
            let spot = Spot::file(&directory.display().to_string());
            let rule = format!("the site's own stream classes cannot be read: {error}");
            findings.faults.add(&spot, rule, "let this user read the directory");
        }
        Vec::new()
    })
}
