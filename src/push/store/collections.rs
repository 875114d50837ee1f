//! Directories of a WebDAV server: made before the first object in them, and remembered (RFC 4918, section 9.3).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Which directories are known to be there. Paths are below the base and end with a slash; the base itself is the empty
/// one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collections(Arc<Mutex<BTreeSet<String>>>);

impl Collections {
    /// The directories that `path` lies in and that are not known to be there: the base, then outermost first.
    pub(crate) fn missing(&self, path: &str) -> Vec<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let below = path.match_indices('/').map(|(slash, _)| path[..=slash].to_owned());
        std::iter::once(String::new()).chain(below).filter(|directory| !known.contains(directory)).collect()
    }

    /// `directory` is there.
    pub(crate) fn note(&self, directory: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(directory);
    }

    /// The server may have lost them.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_once() {
        let collections = Collections::default();
        assert_eq!(collections.missing("demo/v/1.m4s"), ["", "demo/", "demo/v/"]);
        collections.note(String::new());
        collections.note("demo/".to_owned());
        assert_eq!(collections.missing("demo/v/1.m4s"), ["demo/v/"]);
        assert_eq!(collections.missing("x.m3u8"), Vec::<String>::new());
        collections.forget();
        assert_eq!(collections.missing("demo/v/1.m4s").len(), 3);
    }
}
