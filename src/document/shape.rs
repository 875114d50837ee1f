//! The table of keys: what may stand in a file. Drives the check, the JSON Schema and the reference.

/// What may stand in one table.
#[derive(Debug)]
pub struct Shape {
    /// What the table is, for the reference.
    pub about: &'static str,
    /// Keys that may always stand.
    pub keys: &'static [Key],
    /// Keys that depend on the word of one key; none if empty.
    pub variants: &'static [Variant],
    /// The key whose word picks the variant; one of `keys`. Empty without variants.
    pub tag: &'static str,
}

impl Shape {
    /// A table whose keys do not depend on one another.
    pub const fn plain(about: &'static str, keys: &'static [Key]) -> Self {
        Self { about, keys, variants: &[], tag: "" }
    }

    /// The key `name`: that of the variant `word`, for keys of different variants may share a name; else in whichever.
    pub(crate) fn key(&self, name: &str, word: Option<&str>) -> Option<&'static Key> {
        let mine = self.variants.iter().filter(|variant| Some(variant.word) == word);
        let all = mine.chain(self.variants).flat_map(|variant| variant.keys);
        self.keys.iter().chain(all).find(|key| key.name == name)
    }
}

/// Keys that may stand where the tag has a certain word.
#[derive(Debug)]
pub struct Variant {
    /// The word of the tag.
    pub word: &'static str,
    /// What it means.
    pub about: &'static str,
    /// Keys.
    pub keys: &'static [Key],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// What may stand behind it.
    pub kind: Kind,
    /// Whether it must stand.
    pub need: Need,
    /// What it is for; unit and rule included.
    pub about: &'static str,
}

/// Whether a key must stand.
#[derive(Debug, Clone, Copy)]
pub enum Need {
    /// It must; the text is an example of a value, as TOML.
    Required(&'static str),
    /// This value (TOML) stands in for it.
    Default(&'static str),
    /// It may be missing, which means something of its own.
    Optional,
}

/// What may stand behind a key.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text of at least one and at most so many characters.
    Text(usize),
    /// An identifier (`model::id::SLUG_RULE`).
    Id,
    /// One of some words, each with its meaning.
    Word(&'static [(&'static str, &'static str)]),
    /// A whole number with bounds and unit.
    Integer(i64, i64, &'static str),
    /// A number with bounds and unit.
    Number(f64, f64, &'static str),
    /// `true` or `false`.
    Truth,
    /// A bit rate: `128k`, `2.5M`.
    BitRate,
    /// A frame rate: `50`, `"30000/1001"`.
    FrameRate,
    /// A picture size: `1280x720`.
    Size,
    /// An amount of storage: `20G`.
    Bytes,
    /// A span of time: `90s`, `1h`.
    Span,
    /// A URL with one of these schemes.
    Url(&'static [&'static str]),
    /// A path, relative to the file.
    Path,
    /// An IP address with port.
    Address,
    /// `major.minor.patch`.
    Version,
    /// BCP 47.
    Language,
    /// Any text, number or truth value.
    Scalar,
    /// A list of values.
    List(&'static Kind),
    /// A table.
    Table(&'static Shape),
    /// Several tables, `[[…]]`.
    Tables(&'static Shape),
    /// Tables by identifier, `[key.<id>]`.
    Map(&'static Shape),
    /// Values by any name.
    Names(&'static Kind),
    /// Tables of values by word.
    Words(&'static [(&'static str, &'static str)], &'static Kind),
}

impl Kind {
    /// What is expected, for a fault.
    pub(crate) fn expected(&self) -> String {
        match self {
            Kind::Text(most) => format!("text of 1 to {most} characters"),
            Kind::Id => format!("an identifier ({})", crate::model::id::SLUG_RULE),
            Kind::Word(words) => format!("one of {}", super::nearest::one_of(words.iter().map(|(word, _)| *word))),
            Kind::Integer(least, most, unit) => format!("a whole number from {least} to {most} ({unit})"),
            Kind::Number(least, most, unit) => format!("a number from {least} to {most} ({unit})"),
            Kind::Truth => "true or false".to_owned(),
            Kind::BitRate => "a bit rate such as \"128k\", \"2.5M\" or 2500000 (bit/s)".to_owned(),
            Kind::FrameRate => "a frame rate such as 50 or \"30000/1001\" (frames per second, 1 to 240)".to_owned(),
            Kind::Size => "a picture size such as \"1280x720\" (pixels, both even, 16 to 8192)".to_owned(),
            Kind::Bytes => {
                "an amount of storage such as \"500M\" or \"20G\" (bytes; k, M, G, T are powers of 1000)".to_owned()
            }
            Kind::Span => "a span of time such as \"500ms\", \"90s\", \"30min\", \"1h\" or \"7d\"".to_owned(),
            Kind::Url(schemes) => format!("a URL that begins with {}", super::nearest::one_of(schemes.iter().copied())),
            Kind::Path => "a path".to_owned(),
            Kind::Address => "an IP address with port such as \"127.0.0.1:8080\" or \"[::1]:8080\"".to_owned(),
            Kind::Version => "a version such as \"1.0.0\" (major.minor.patch, see semver.org)".to_owned(),
            Kind::Language => "a language tag such as \"en\" or \"de-AT\" (BCP 47)".to_owned(),
            Kind::Scalar => "text, a number, or true or false".to_owned(),
            Kind::List(kind) => format!("a list ([…]), each item {}", kind.expected()),
            Kind::Table(_) | Kind::Map(_) | Kind::Names(_) | Kind::Words(..) => "a table".to_owned(),
            Kind::Tables(_) => "a list of tables ([[…]])".to_owned(),
        }
    }
}
