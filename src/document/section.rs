//! The cursor: hands out typed values of a checked table with their place.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::fault::{Faults, Spot};
use super::present::presentable;
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
    pub(super) source: &'a Source,
    pub(super) shape: &'static Shape,
    pub(super) table: Option<&'a DeTable<'a>>,
    pub(super) spot: Spot,
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

    pub(super) fn below(
        &self,
        shape: &'static Shape,
        path: &str,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Option<Section<'a>> {
        let spot = self.source.spot(value.span(), path, None);
        Some(Section { source: self.source, shape, table: Some(value.get_ref().as_table()?), spot })
    }

    fn key(&self, name: &str) -> Option<&'static Key> {
        let word = self.entry(self.shape.tag).and_then(|(_, value)| value.get_ref().as_str());
        let key = self.shape.key(name, word);
        debug_assert!(key.is_some(), "`{name}` is in no table of keys");
        key
    }

    fn entry(&self, name: &str) -> Option<(&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)> {
        self.table?.get_key_value(name)
    }

    pub(super) fn path(&self, name: &str) -> String {
        if self.spot.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.spot.key) }
    }

    fn spot_of(&self, key: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) -> Spot {
        self.at(value.span(), &self.path(key.get_ref()), value.get_ref())
    }

    pub(super) fn at(&self, span: std::ops::Range<usize>, path: &str, value: &DeValue<'_>) -> Spot {
        let shown = if value.is_table() { None } else { self.source.snippet(span.clone()) };
        self.source.spot(span, path, shown.and_then(|text| presentable(path, text)))
    }
}

/// `toml` sorts keys by name; people read their file from top to bottom.
pub(crate) fn in_file_order<'a>(table: &'a DeTable<'a>) -> Vec<(&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}
