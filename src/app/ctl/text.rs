//! A text that somebody sends: a file, or standard input.

use std::io::Read as _;
use std::path::Path;

use super::client::Failure;

/// Where it is; `-` is standard input.
pub(crate) struct TextFile<'a>(pub(crate) &'a Path);

impl TextFile<'_> {
    pub(crate) fn read(&self) -> Result<String, Failure> {
        let mut text = String::new();
        let read = match self.0 == Path::new("-") {
            true => std::io::stdin().read_to_string(&mut text).map(|_| text),
            false => std::fs::read_to_string(self.0),
        };
        read.map_err(|error| self.failure(&error.to_string()))
    }

    pub(crate) fn failure(&self, cause: &str) -> Failure {
        Failure::File { path: self.0.to_owned(), cause: cause.to_owned() }
    }
}
