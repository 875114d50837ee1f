//! One file as written: text, lines and columns.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeTable;

use super::fault::{Faults, Spot};

/// Nobody writes a configuration of more than a megabyte; a mistaken path may point at a disk image.
const LARGEST: u64 = 1 << 20;

/// A file and its text.
#[derive(Debug)]
pub struct Source {
    name: Arc<str>,
    text: String,
}

impl Source {
    /// Text that has been read already.
    pub fn new(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Reads `path`; what keeps it from being read is a fault.
    pub fn read(path: &Path, faults: &mut Faults) -> Option<Self> {
        let name = path.display().to_string();
        match read_text(path) {
            Ok(text) => Some(Self::new(&name, text)),
            Err((rule, fix)) => {
                faults.add(&Spot::file(&name), rule, fix);
                None
            }
        }
    }

    /// The name in faults.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The text, as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same, for who keeps it.
    pub fn into_text(self) -> String {
        self.text
    }

    /// The table of the whole file. Every fault of syntax is recorded; none is returned if there is any.
    pub fn parse(&self, faults: &mut Faults) -> Option<Spanned<DeTable<'_>>> {
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        for error in &errors {
            let (line, column) = self.line_column(error.span().map_or(0, |span| span.start));
            let spot = Spot { line, column, ..Spot::file(&self.name) };
            faults.add(&spot, format!("not TOML: {}", one_line(error.message())), "correct the syntax, see toml.io");
        }
        errors.is_empty().then_some(table)
    }

    pub(crate) fn spot(&self, span: Range<usize>, key: &str, value: Option<String>) -> Spot {
        let (line, column) = self.line_column(span.start);
        Spot { file: self.name.clone(), line, column, key: key.to_owned(), value }
    }

    pub(crate) fn snippet(&self, span: Range<usize>) -> Option<&str> {
        self.text.get(span)
    }

    fn line_column(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn read_text(path: &Path) -> Result<String, (String, String)> {
    use std::io::Read;
    let readable = |error: std::io::Error| {
        (format!("cannot be read: {error}"), "name an existing file that this user may read".to_owned())
    };
    // Asked before opening: opening a FIFO would wait for its writer.
    let meta = std::fs::metadata(path).map_err(readable)?;
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(("not a text file of at most 1 MB".to_owned(), "name the configuration file itself".to_owned()));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(readable)?.take(LARGEST).read_to_end(&mut bytes).map_err(readable)?;
    String::from_utf8(bytes)
        .map_err(|_| ("not UTF-8 text".to_owned(), "save the file as UTF-8, as TOML demands".to_owned()))
}
