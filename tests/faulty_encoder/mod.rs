//! Hardware that fails on air, for real workers: a GStreamer plugin built here and now, and the hardware profile that
//! puts it in front of software.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The element.
pub const ELEMENT: &str = "faultyh264enc";

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It reports an error, as a card that is gone does.
    Error,
    /// It takes pictures and gives none back, as a driver that hangs does.
    Silence,
}

/// The plugin and the profiles beside it, in a directory of the caller's.
pub struct FaultyEncoder {
    directory: PathBuf,
}

impl FaultyEncoder {
    /// Builds it in `directory`, which has to exist; an error says what this machine lacks.
    pub fn build(directory: &Path) -> Result<Self, String> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let flags = Command::new("pkg-config").args(["--cflags", "--libs", "gstreamer-1.0"]).output();
        let flags = flags.map_err(|error| format!("pkg-config: {error}"))?;
        let flags = String::from_utf8_lossy(&flags.stdout).into_owned();
        let encoder = Self { directory: directory.to_owned() };
        std::fs::create_dir_all(encoder.plugins()).map_err(|error| error.to_string())?;
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-o"])
            .arg(encoder.plugins().join("libgstfaulty.so"))
            .arg(here.join("tests/faulty_encoder/faulty.c"))
            .args(flags.split_whitespace())
            .output()
            .map_err(|error| format!("cc: {error}"))?;
        if !compiled.status.success() {
            return Err(format!("the plugin cannot be built: {}", String::from_utf8_lossy(&compiled.stderr)));
        }
        encoder.write_profiles(&here.join("hardware-profiles")).map_err(|error| error.to_string())?;
        Ok(encoder)
    }

    /// The shipped profiles, and one that is tried before them.
    fn write_profiles(&self, shipped: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(self.profiles())?;
        for entry in std::fs::read_dir(shipped)? {
            let entry = entry?;
            std::fs::copy(entry.path(), self.profiles().join(entry.file_name()))?;
        }
        let text = format!(
            "name = \"faulty\"\npriority = 100\ndescription = \"Fails on air\"\ntested = \"here\"\nsource = \"tests\"\n\
             [[encoder]]\ncodec = \"h264\"\nelement = \"{ELEMENT}\"\ninput_format = \"I420\"\n\
             bitrate_unit = \"kbit/s\"\nh264_profiles = [\"constrained-baseline\", \"main\", \"high\"]\n\
             [encoder.properties]\nbitrate = \"{{bitrate}}\"\nfails-when = \"{}\"\n",
            self.trigger().display()
        );
        std::fs::write(self.profiles().join("faulty.toml"), text)
    }

    fn plugins(&self) -> PathBuf {
        self.directory.join("plugins")
    }

    fn trigger(&self) -> PathBuf {
        self.directory.join("fails")
    }

    /// Directory for `[paths] hardware_profiles`.
    pub fn profiles(&self) -> PathBuf {
        self.directory.join("profiles")
    }

    /// What a daemon and its workers need in their environment. The registry of plugins is not the user's.
    pub fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [("GST_PLUGIN_PATH", self.plugins()), ("GST_REGISTRY", self.directory.join("registry.bin"))]
    }

    /// It fails with the next picture, wherever it runs.
    pub fn fail(&self, fault: Fault) -> std::io::Result<()> {
        // In one step: it must not be read half written.
        let word = if fault == Fault::Silence { "silent" } else { "error" };
        let path = self.directory.join("fails.new");
        std::fs::write(&path, word)?;
        std::fs::rename(path, self.trigger())
    }

    /// Encoders that are opened from now on work.
    #[allow(dead_code, reason = "who breaks it once does not mend it")]
    pub fn mend(&self) -> std::io::Result<()> {
        std::fs::remove_file(self.trigger())
    }
}
