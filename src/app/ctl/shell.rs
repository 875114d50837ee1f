//! What shells and `man` want to know of the command line, made from the arguments themselves.

use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::Arguments;

const NAME: &str = "uplinkctl";

/// Shells that complete the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Completing {
    Bash,
    Zsh,
    Fish,
}

/// The script that the shell reads.
pub(crate) fn completions(of: Completing) -> String {
    let shell = match of {
        Completing::Bash => Shell::Bash,
        Completing::Zsh => Shell::Zsh,
        Completing::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes a page for each verb into `directory`, which is made if it is not there.
pub(crate) fn pages(directory: &Path) -> Result<(), String> {
    let mut whole = Arguments::command().disable_help_subcommand(true);
    whole.build();
    let written = std::fs::create_dir_all(directory).and_then(|()| write(&whole, directory));
    written.map_err(|error| format!("cannot write pages into {}: {error}", directory.display()))
}

/// The page of a verb and of those below it.
fn write(verb: &Command, directory: &Path) -> io::Result<()> {
    let page = Man::new(verb.clone());
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    let below: Vec<&Command> = verb.get_subcommands().filter(|below| !below.is_hide_set()).collect();
    if !below.is_empty() {
        page.render_subcommands_section(&mut text)?;
    }
    let notes = verb.get_after_help().map(|help| notes(&help.to_string())).unwrap_or_default();
    text.extend_from_slice(notes.as_bytes());
    std::fs::write(directory.join(page.get_filename()), text)?;
    below.into_iter().try_for_each(|below| write(below, directory))
}

/// What stands behind the options: lines stay lines, and what ends in a colon is a heading.
fn notes(help: &str) -> String {
    let mut text = String::new();
    for line in help.lines() {
        match line.strip_suffix(':').filter(|head| !head.starts_with(' ')) {
            Some(head) => text.push_str(&format!(".fi\n.SH {}\n.nf\n", head.to_uppercase())),
            None => {
                let first = if text.is_empty() { ".SH NOTES\n" } else { "" };
                // A line that begins with a dot or an apostrophe would be an order to the formatter.
                text.push_str(&format!("{first}\\&{}\n", line.replace('\\', "\\e").replace('-', "\\-")));
            }
        }
    }
    if text.is_empty() { text } else { text + ".fi\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_knows_the_verbs() {
        for of in [Completing::Bash, Completing::Zsh, Completing::Fish] {
            let script = completions(of);
            for word in ["failover", "guest-link", "recording"] {
                assert!(script.contains(word), "{of:?} does not know {word}");
            }
        }
    }

    #[test]
    fn every_verb_that_is_shown_has_its_page() {
        let directory = tempfile::tempdir().unwrap();
        pages(directory.path()).unwrap();
        let page = |name: &str| std::fs::read_to_string(directory.path().join(format!("{name}.1")));
        let whole = page(NAME).unwrap();
        assert!(whole.contains("\n.SH EXAMPLES\n.nf\n") && whole.contains("\n\\&  uplinkctl devices "), "{whole}");
        for verb in Arguments::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
            assert!(page(&format!("{NAME}-{}", verb.get_name())).is_ok(), "{}", verb.get_name());
        }
        assert!(page("uplinkctl-recording-clip").unwrap().contains("1m30s"));
        assert!(page("uplinkctl-man").is_err(), "a verb for packagers is in the manual");
    }
}
