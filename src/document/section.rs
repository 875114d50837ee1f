//! The cursor: checks a whole file against its table of keys, then hands out typed values with their place.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::fault::{Faults, Spot};
use super::nearest::{nearest, one_of, suggest};
use super::shape::{Key, Kind, Need, Shape};
use super::source::Source;
use super::value::{FromWritten, accepts};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands; the table it is missing from for a default.
    pub spot: Spot,
}

/// Values by free names, in the order of the file.
pub type Named<T> = Vec<(String, Placed<T>)>;

/// One table of a file and what may stand in it.
#[derive(Debug, Clone)]
pub struct Section<'a> {
    source: &'a Source,
    shape: &'static Shape,
    table: Option<&'a DeTable<'a>>,
    spot: Spot,
}

impl<'a> Section<'a> {
    /// Checks the whole of `root` against `shape`; every fault is recorded. What is faulty reads as missing later on.
    pub fn check(source: &'a Source, root: &'a DeTable<'a>, shape: &'static Shape, faults: &mut Faults) -> Self {
        let section = Section { source, shape, table: Some(root), spot: source.spot(0..0, "", None) };
        section.check_keys(faults);
        section
    }

    /// Where the table stands.
    pub fn place(&self) -> &Spot {
        &self.spot
    }

    /// Where the value of `name` stands; the table if it is missing.
    pub fn spot(&self, name: &str) -> Spot {
        match self.entry(name) {
            Some((key, value)) => self.spot_of(key, value),
            None => Spot { key: self.path(name), value: None, ..self.spot.clone() },
        }
    }

    /// Whether `name` is written.
    pub fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// Whether `name` is written as a list or table without anything in it.
    pub fn is_empty(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|(_, value)| match value.get_ref() {
            DeValue::Array(items) => items.is_empty(),
            DeValue::Table(entries) => entries.is_empty(),
            _ => false,
        })
    }

    /// The value of `name`, or its default. None if it is missing or faulty.
    pub fn get<T: FromWritten>(&self, name: &str) -> Option<Placed<T>> {
        let key = self.key(name)?;
        if let Some((written, value)) = self.entry(name) {
            let value_read = accepts(&key.kind, value.get_ref()).then(|| T::from_written(value.get_ref())).flatten()?;
            return Some(Placed { value: value_read, spot: self.spot_of(written, value) });
        }
        let Need::Default(text) = key.need else { return None };
        let default = DeValue::parse(text).ok()?;
        Some(Placed { value: T::from_written(default.get_ref())?, spot: self.spot(name) })
    }

    /// The value of `name` without its place.
    pub fn value<T: FromWritten>(&self, name: &str) -> Option<T> {
        self.get(name).map(|placed| placed.value)
    }

    /// The good items of the list `name`.
    pub fn list<T: FromWritten>(&self, name: &str) -> Vec<Placed<T>> {
        let Some(Kind::List(kind)) = self.key(name).map(|key| key.kind) else { return Vec::new() };
        let Some(items) = self.entry(name).and_then(|(_, value)| value.get_ref().as_array()) else { return Vec::new() };
        items
            .iter()
            .enumerate()
            .filter(|(_, item)| accepts(kind, item.get_ref()))
            .filter_map(|(n, item)| {
                let spot = self.at(item.span(), &format!("{}[{n}]", self.path(name)), item.get_ref());
                Some(Placed { value: T::from_written(item.get_ref())?, spot })
            })
            .collect()
    }

    /// The table `name`; an empty one (all defaults) if it is missing.
    pub fn table(&self, name: &str) -> Option<Section<'a>> {
        let Some(Kind::Table(shape)) = self.key(name).map(|key| key.kind) else { return None };
        let table = match self.entry(name) {
            Some((_, value)) => Some(value.get_ref().as_table()?),
            None => None,
        };
        Some(Section { source: self.source, shape, table, spot: self.spot(name) })
    }

    /// The tables `[[name]]`.
    pub fn tables(&self, name: &str) -> Vec<Section<'a>> {
        let Some(Kind::Tables(shape)) = self.key(name).map(|key| key.kind) else { return Vec::new() };
        let Some(items) = self.entry(name).and_then(|(_, value)| value.get_ref().as_array()) else { return Vec::new() };
        items
            .iter()
            .enumerate()
            .filter_map(|(n, item)| self.below(shape, &format!("{}[{n}]", self.path(name)), item))
            .collect()
    }

    /// The tables `[name.<id>]` in the order of the file; those with a faulty identifier are left out.
    pub fn map(&self, name: &str) -> Vec<(String, Section<'a>)> {
        let Some(Kind::Map(shape)) = self.key(name).map(|key| key.kind) else { return Vec::new() };
        self.entries(name)
            .into_iter()
            .filter(|(id, _)| crate::model::id::is_slug(id.get_ref()))
            .filter_map(|(id, value)| {
                let section = self.below(shape, &format!("{}.{}", self.path(name), id.get_ref()), value)?;
                let place = self.source.spot(id.span(), &section.spot.key, None);
                Some((id.get_ref().to_string(), Section { spot: place, ..section }))
            })
            .collect()
    }

    /// The free-form values below `name`, in the order of the file.
    pub fn names<T: FromWritten>(&self, name: &str) -> Named<T> {
        let path = self.path(name);
        self.entries(name)
            .into_iter()
            .filter_map(|(key, value)| {
                let spot = self.at(value.span(), &format!("{path}.{}", key.get_ref()), value.get_ref());
                Some((key.get_ref().to_string(), Placed { value: T::from_written(value.get_ref())?, spot }))
            })
            .collect()
    }

    /// The free-form values of each word below `name`.
    pub fn words<T: FromWritten>(&self, name: &str) -> Vec<(String, Named<T>)> {
        static FREE: Shape = Shape::plain("", &[]);
        let path = self.path(name);
        let mut groups = Vec::new();
        for (word, value) in self.entries(name) {
            let Some(group) = self.below(&FREE, &format!("{path}.{}", word.get_ref()), value) else { continue };
            let Some(table) = group.table else { continue };
            let values = in_file_order(table).into_iter().filter_map(|(key, value)| {
                let spot = group.at(value.span(), &group.path(key.get_ref()), value.get_ref());
                Some((key.get_ref().to_string(), Placed { value: T::from_written(value.get_ref())?, spot }))
            });
            groups.push((word.get_ref().to_string(), values.collect()));
        }
        groups
    }

    fn entries(&self, name: &str) -> Vec<(&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)> {
        self.entry(name).and_then(|(_, value)| value.get_ref().as_table()).map(in_file_order).unwrap_or_default()
    }

    fn below(&self, shape: &'static Shape, path: &str, value: &'a Spanned<DeValue<'a>>) -> Option<Section<'a>> {
        let spot = self.source.spot(value.span(), path, None);
        Some(Section { source: self.source, shape, table: Some(value.get_ref().as_table()?), spot })
    }

    fn key(&self, name: &str) -> Option<&'static Key> {
        let key = self.shape.key(name);
        debug_assert!(key.is_some(), "`{name}` is in no table of keys");
        key
    }

    fn entry(&self, name: &str) -> Option<(&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)> {
        self.table?.get_key_value(name)
    }

    fn path(&self, name: &str) -> String {
        if self.spot.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.spot.key) }
    }

    fn spot_of(&self, key: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) -> Spot {
        self.at(value.span(), &self.path(key.get_ref()), value.get_ref())
    }

    fn at(&self, span: std::ops::Range<usize>, path: &str, value: &DeValue<'_>) -> Spot {
        let shown = if value.is_table() { None } else { self.source.snippet(span.clone()) };
        self.source.spot(span, path, shown.and_then(|text| presentable(path, text)))
    }
}

/// The check of one table.
impl<'a> Section<'a> {
    fn check_keys(&self, faults: &mut Faults) {
        let Some(table) = self.table else { return };
        let variant = table.get(self.shape.tag).and_then(|value| value.get_ref().as_str());
        let variant = self.shape.variants.iter().find(|candidate| Some(candidate.word) == variant);
        let mut meant = Vec::new();
        for (name, value) in in_file_order(table) {
            let here = self.shape.keys.iter().chain(variant.iter().flat_map(|variant| variant.keys));
            match here.clone().find(|key| key.name == name.get_ref().as_ref()) {
                Some(key) => self.check_value(&key.kind, &self.path(key.name), value, faults),
                None => {
                    meant.extend(nearest(name.get_ref(), here.clone().map(|key| key.name)));
                    self.report_unknown(name, value, here.map(|key| key.name), faults);
                }
            }
        }
        for key in self.shape.keys.iter().chain(variant.iter().flat_map(|variant| variant.keys)) {
            // A misspelt key is one fault, not two.
            let missing = !self.has(key.name) && !meant.contains(&key.name);
            if let (true, Need::Required(example)) = (missing, key.need) {
                let spot = Spot { key: self.path(key.name), value: None, ..self.spot.clone() };
                let fix = match key.kind {
                    Kind::Table(_) => format!("add [{}]", spot.key),
                    Kind::Tables(_) => format!("add [[{}]]", spot.key),
                    _ => format!("add it, for example `{} = {example}`", key.name),
                };
                faults.add(&spot, "must be given", fix);
            }
        }
    }

    fn report_unknown(
        &self,
        name: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        known: impl Iterator<Item = &'static str> + Clone,
        faults: &mut Faults,
    ) {
        let path = self.path(name.get_ref());
        let shown = self.at(value.span(), &path, value.get_ref()).value;
        let spot = self.source.spot(name.span(), &path, shown);
        let elsewhere: Vec<&str> = self
            .shape
            .variants
            .iter()
            .filter(|variant| variant.keys.iter().any(|key| key.name == name.get_ref().as_ref()))
            .map(|variant| variant.word)
            .collect();
        if elsewhere.is_empty() {
            faults.add(&spot, "unknown key", suggest(name.get_ref(), known));
        } else {
            let rule = format!("is only for {} = {}", self.shape.tag, one_of(elsewhere.iter().copied()));
            faults.add(&spot, rule, format!("remove it, or change `{}`", self.shape.tag));
        }
    }

    fn check_value(&self, kind: &'static Kind, path: &str, value: &'a Spanned<DeValue<'a>>, faults: &mut Faults) {
        let spot = || self.at(value.span(), path, value.get_ref());
        match (kind, value.get_ref()) {
            (Kind::Table(shape), DeValue::Table(_)) => {
                if let Some(section) = self.below(shape, path, value) {
                    section.check_keys(faults);
                }
            }
            (Kind::Tables(shape), DeValue::Array(items)) => {
                for (n, item) in items.iter().enumerate() {
                    let path = format!("{path}[{n}]");
                    match self.below(shape, &path, item) {
                        Some(section) => section.check_keys(faults),
                        None => wrong(kind, &self.at(item.span(), &path, item.get_ref()), item.get_ref(), faults),
                    }
                }
            }
            (Kind::List(inner), DeValue::Array(items)) => {
                for (n, item) in items.iter().enumerate() {
                    self.check_value(inner, &format!("{path}[{n}]"), item, faults);
                }
            }
            (Kind::Map(shape), DeValue::Table(entries)) => {
                for (id, entry) in in_file_order(entries) {
                    self.check_entry(shape, path, id, entry, faults);
                }
            }
            (Kind::Names(inner), DeValue::Table(entries)) => {
                for (name, entry) in in_file_order(entries) {
                    self.check_value(inner, &format!("{path}.{}", name.get_ref()), entry, faults);
                }
            }
            (Kind::Words(words, inner), DeValue::Table(groups)) => {
                for (word, group) in in_file_order(groups) {
                    let path = format!("{path}.{}", word.get_ref());
                    let known = words.iter().map(|(known, _)| *known);
                    if !known.clone().any(|known| known == word.get_ref()) {
                        let fix = suggest(word.get_ref(), known);
                        faults.add(&self.source.spot(word.span(), &path, None), "unknown key", fix);
                        continue;
                    }
                    match group.get_ref().as_table() {
                        Some(entries) => {
                            for (name, entry) in in_file_order(entries) {
                                self.check_value(inner, &format!("{path}.{}", name.get_ref()), entry, faults);
                            }
                        }
                        None => wrong(kind, &self.at(group.span(), &path, group.get_ref()), group.get_ref(), faults),
                    }
                }
            }
            (_, written) if accepts(kind, written) => {}
            (_, written) => wrong(kind, &spot(), written, faults),
        }
    }

    fn check_entry(
        &self,
        shape: &'static Shape,
        path: &str,
        id: &'a Spanned<DeString<'a>>,
        entry: &'a Spanned<DeValue<'a>>,
        faults: &mut Faults,
    ) {
        let path = format!("{path}.{}", id.get_ref());
        let spot = self.source.spot(id.span(), &path, None);
        if !crate::model::id::is_slug(id.get_ref()) {
            let rule = format!("`{}` must be {}", id.get_ref().escape_debug(), Kind::Id.expected());
            faults.add(&spot, rule, "rename it");
        }
        match self.below(shape, &path, entry) {
            Some(section) => Section { spot, ..section }.check_keys(faults),
            None => faults.add(&spot, "must be a table", format!("write [{path}]")),
        }
    }
}

fn wrong(kind: &Kind, spot: &Spot, value: &DeValue<'_>, faults: &mut Faults) {
    let fix = match (kind, value.as_str()) {
        (Kind::Word(words), Some(text)) => suggest(text, words.iter().map(|(word, _)| *word)),
        (Kind::Integer(..) | Kind::Number(..), Some(text)) if text.parse::<f64>().is_ok() => {
            "remove the quotes".to_owned()
        }
        (Kind::List(_), _) if !value.is_array() => "put it into square brackets".to_owned(),
        (Kind::Text(_) | Kind::Id | Kind::Path, None) if !value.is_array() && !value.is_table() => {
            "put it into double quotes".to_owned()
        }
        _ => "correct the value".to_owned(),
    };
    faults.add(spot, format!("must be {}", kind.expected()), fix);
}

/// `toml` sorts keys by name; people read their file from top to bottom.
fn in_file_order<'a>(table: &'a DeTable<'a>) -> Vec<(&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// What of a value may be shown: one short line, no secret.
fn presentable(path: &str, text: &str) -> Option<String> {
    let name = path.rsplit('.').next().unwrap_or(path);
    let secret = ["token", "passphrase", "password", "secret", "stream_key"].iter().any(|word| name.contains(word));
    if secret && !name.ends_with("_file") && !name.ends_with("_credential") {
        return None;
    }
    let lower = text.to_lowercase();
    if lower.contains("passphrase=") || lower.contains("token=") || has_user_info(text) {
        return Some("\"[contains a secret]\"".to_owned());
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    match line.char_indices().nth(80) {
        Some((at, _)) => Some(format!("{}…", &line[..at])),
        None => Some(line),
    }
}

/// `scheme://user:password@host`.
fn has_user_info(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(_, rest)| rest.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@')))
}
