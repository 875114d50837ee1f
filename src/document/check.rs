//! The check of a table against its table of keys: every fault of a whole file in one pass.

use toml::Spanned;
use toml::de::{DeString, DeValue};

use super::fault::{Faults, Spot};
use super::nearest::{nearest, one_of, suggest};
use super::section::{Section, in_file_order};
use super::shape::{Kind, Need, Shape};
use super::value::accepts;

impl<'a> Section<'a> {
    pub(super) fn check_keys(&self, faults: &mut Faults) {
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
                    Kind::Map(_) => format!("add [{}.<id>]", spot.key),
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
