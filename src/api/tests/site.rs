//! A configuration on disk with stream classes that are shipped and the site's own, and what reading it comes to.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::classes::Classes;
use crate::config::{Credentials, Trial, load_text, load_with};
use crate::model::ChannelEffect;
use crate::supervisor::{Command, Outcome, Refusal};

/// The class that the channel of this site uses.
pub(crate) const CLASS: &str = "talk-720p30";

#[derive(Clone)]
pub(crate) struct Site {
    dir: PathBuf,
    pub(crate) classes: Classes,
    /// What a reload does, or would do.
    pub(crate) effects: Arc<Mutex<Vec<ChannelEffect>>>,
    /// Why the next reload is refused.
    pub(crate) refusal: Arc<Mutex<Option<Refusal>>>,
    /// What the engine was asked.
    pub(crate) asked: Arc<Mutex<Vec<Command>>>,
}

impl Site {
    /// Below `dir`, with every class of the package.
    pub(crate) fn new(dir: &Path) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let shipped = dir.join("shipped");
        std::fs::create_dir(&shipped).unwrap();
        for file in std::fs::read_dir(root.join("pipelines")).unwrap().map(|file| file.unwrap().path()) {
            std::fs::copy(&file, shipped.join(file.file_name().unwrap())).unwrap();
        }
        let text = format!(
            "[appliance]\nname = \"studio-box\"\n\n\
             [paths]\npipelines = \"shipped\"\nhardware_profiles = \"{}/hardware-profiles\"\n\n\
             [sources.test]\nkind = \"test\"\n\n\
             [destinations.cloud]\nkind = \"hls-push\"\nurl = \"http://127.0.0.1:9/live/\"\n\n\
             [channels.demo]\ntitle = \"Evening briefing\"\nstream_class = \"{CLASS}\"\n\
             sources = [\"test\"]\ndestinations = [\"cloud\"]\n",
            root.display()
        );
        std::fs::write(dir.join("uplinkd.toml"), text).unwrap();
        let classes = Classes::below(&dir.join("state"));
        let site = Self {
            dir: dir.to_owned(),
            classes,
            effects: Arc::default(),
            refusal: Arc::default(),
            asked: Arc::default(),
        };
        site.read(None).unwrap();
        site.classes.put_in_force();
        site
    }

    pub(crate) fn config(&self) -> String {
        self.dir.join("uplinkd.toml").display().to_string()
    }

    pub(crate) fn shipped(&self) -> PathBuf {
        self.dir.join(format!("shipped/{CLASS}.toml"))
    }

    pub(crate) fn copy(&self) -> PathBuf {
        self.dir.join(format!("state/pipelines/{CLASS}.toml"))
    }

    pub(crate) fn version(&self, number: u32) -> PathBuf {
        self.dir.join(format!("state/pipelines/versions/{CLASS}/{number:04}.toml"))
    }

    /// As a daemon reads it.
    fn read(&self, tried: Option<Trial>) -> Result<(), Refusal> {
        let trial = tried.is_some();
        let (own, config) = (self.classes.own(), self.config());
        let config = Path::new(&config);
        let checked = match tried {
            None => load_with(config, &[], &Credentials::NotHere, &own),
            Some(Trial::Class(class)) => load_with(config, &[], &Credentials::NotHere, &own.trying(Some(class))),
            Some(Trial::Text(text)) => load_text((config, &text), &[], &Credentials::NotHere, &own),
        };
        let checked = checked.map_err(|faults| Refusal::FaultyConfiguration(faults.lines()))?;
        if !trial {
            self.classes.read(&checked);
        }
        Ok(())
    }

    /// What the supervisor answers.
    pub(crate) fn answer(&self, command: Command) -> Result<Outcome, Refusal> {
        self.asked.lock().unwrap().push(command.clone());
        let changed = command == Command::Reload;
        match command {
            Command::Reload => {
                if let Some(refusal) = self.refusal.lock().unwrap().take() {
                    return Err(refusal);
                }
                self.read(None)?;
            }
            Command::Try(tried) => self.read(Some(*tried))?,
            Command::DryReload => {}
            other => return Err(Refusal::Failed(format!("this site does not do {other:?}"))),
        }
        let text = if changed { "the configuration is in force" } else { "nothing is changed" };
        let channels = Some(self.effects.lock().unwrap().clone());
        Ok(Outcome { changed, channels, ..super::rig::outcome(text) })
    }
}
