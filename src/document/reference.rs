//! The table of keys as Markdown: the configuration reference.

use std::fmt::Write as _;

use super::shape::{Key, Kind, Need, Shape};

/// The reference of files of `shape`: one heading and table for each TOML table.
pub fn reference(shape: &'static Shape) -> String {
    let mut page = String::new();
    of_shape(shape, "", &mut page);
    page
}

fn of_shape(shape: &'static Shape, heading: &str, page: &mut String) {
    if !heading.is_empty() {
        let _ = write!(page, "\n### `{heading}`\n");
    }
    let _ = write!(page, "\n{}\n", shape.about);
    of_keys(shape.keys, page);
    for variant in shape.variants {
        let _ = write!(page, "\n**`{} = \"{}\"`**: {}\n", shape.tag, variant.word, variant.about);
        of_keys(variant.keys, page);
    }
    for key in shape.keys.iter().chain(shape.variants.iter().flat_map(|variant| variant.keys)) {
        match key.kind {
            Kind::Table(below) => of_shape(below, &format!("[{}]", join(heading, key.name)), page),
            Kind::Tables(below) => of_shape(below, &format!("[[{}]]", join(heading, key.name)), page),
            Kind::Map(below) => of_shape(below, &format!("[{}.<id>]", join(heading, key.name)), page),
            _ => {}
        }
    }
}

fn join(heading: &str, name: &str) -> String {
    let inner = heading.trim_matches(['[', ']']);
    if inner.is_empty() { name.to_owned() } else { format!("{inner}.{name}") }
}

fn of_keys(keys: &[Key], page: &mut String) {
    let plain: Vec<&Key> =
        keys.iter().filter(|key| !matches!(key.kind, Kind::Table(_) | Kind::Tables(_) | Kind::Map(_))).collect();
    if plain.is_empty() {
        return;
    }
    page.push_str("\n| key | value | default | |\n|---|---|---|---|\n");
    for key in plain {
        let need = match key.need {
            Need::Required(example) => format!("must be given, e.g. `{example}`"),
            Need::Default(text) => format!("`{text}`"),
            Need::Optional => "none".to_owned(),
        };
        let _ = writeln!(page, "| `{}` | {} | {need} | {} |", key.name, cell(&key.kind), key.about);
    }
}

fn cell(kind: &Kind) -> String {
    match kind {
        Kind::Id => "an identifier".to_owned(),
        Kind::List(Kind::Id) => "a list of identifiers".to_owned(),
        Kind::Word(words) => {
            words.iter().map(|(word, about)| format!("`{word}`: {about}")).collect::<Vec<_>>().join("<br>")
        }
        Kind::Names(inner) => format!("a table of any names, each {}", inner.expected()),
        Kind::Words(words, inner) => format!(
            "tables {}, of any names, each {}",
            super::nearest::one_of(words.iter().map(|(word, _)| *word)),
            inner.expected()
        ),
        kind => kind.expected(),
    }
    .replace('|', "\\|")
}
