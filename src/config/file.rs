//! The configuration's file, put in place of what is there: all of it or nothing, and taken back if it does not come into
//! force. Blocks.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

/// What somebody who looks there finds the text under that was replaced last: the name with this behind it.
const BEFORE: &str = "~";

/// Another text in place of the one before, as long as it may be taken back.
#[derive(Debug)]
pub struct Replaced {
    path: PathBuf,
    before: String,
}

impl Replaced {
    /// As it was: it has not come into force.
    pub fn take_back(self) -> io::Result<()> {
        put(&self.path, &self.before, mode_of(&self.path)?)
    }
}

/// Whether this process may put another file in place of the one at `path`.
pub fn may_replace(path: &Path) -> bool {
    let place = path.canonicalize().ok();
    place.as_deref().and_then(Path::parent).is_some_and(|directory| access(directory, AccessFlags::W_OK).is_ok())
}

/// Puts `text` in place of the file at `path`, which is kept beside it with a `~` behind its name. Rights stay as they are.
pub fn replace(path: &Path, text: &str) -> io::Result<Replaced> {
    // A link stays one.
    let path = path.canonicalize()?;
    let (before, mode) = (std::fs::read_to_string(&path)?, mode_of(&path)?);
    let mut kept = path.clone().into_os_string();
    kept.push(BEFORE);
    put(Path::new(&kept), &before, mode)?;
    put(&path, text, mode)?;
    Ok(Replaced { path, before })
}

/// Puts a file in place of what is there. Whoever reads meanwhile, and after a power cut, finds the old or the new one.
pub(crate) fn put(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(directory)?;
    let mut file = tempfile::Builder::new().permissions(PermissionsExt::from_mode(mode)).tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    std::fs::File::open(directory)?.sync_all()
}

fn mode_of(path: &Path) -> io::Result<u32> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_the_place_of_the_one_before_which_is_kept_and_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("uplinkd.toml"), dir.path().join("link.toml"));
        std::fs::write(&file, "one").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(may_replace(&link));
        let replaced = replace(&link, "two").unwrap();
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert_eq!(
            (read(&file), read(&link), read(&dir.path().join("uplinkd.toml~"))),
            ("two".into(), "two".into(), "one".into())
        );
        assert!(link.is_symlink() && mode_of(&file).unwrap() == 0o640);
        replaced.take_back().unwrap();
        assert_eq!((read(&file), mode_of(&file).unwrap()), ("one".into(), 0o640));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3, "nothing else is left");
    }

    #[test]
    fn what_is_not_there_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone.toml");
        assert!(!may_replace(&gone) && replace(&gone, "text").is_err() && !gone.exists());
    }
}
