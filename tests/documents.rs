//! What the documents say is there.

use std::fs;
use std::path::{Path, PathBuf};

use uplink::model::{AlarmCode, EventCode, remedy};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The Markdown files of this repository: not those of what was built or installed.
fn documents(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let foreign = name.starts_with('.') || ["target", "node_modules"].contains(&name.as_str());
        if path.is_dir() && !foreign {
            found.extend(documents(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found
}

/// The targets of `[text](target)`.
fn links(text: &str) -> Vec<&str> {
    text.match_indices("](").filter_map(|(at, _)| text[at + 2..].split_once(')').map(|(link, _)| link)).collect()
}

/// Anchors of the headings, as forges make them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
    headings.map(|line| line.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

/// The codes that a chapter of the runbook has rows for.
fn rows(chapter: &str) -> Vec<String> {
    let runbook = read("packaging/doc/runbook.md");
    let (_, rest) = runbook.split_once(&format!("\n## {chapter}\n")).unwrap();
    let (text, _) = rest.split_once("\n## ").unwrap();
    text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned)).collect()
}

/// Each code has exactly one row, and each row a code.
fn same(chapter: &str, codes: Vec<&str>, source: &str) {
    let rows = rows(chapter);
    let missing: Vec<&&str> = codes.iter().filter(|code| !rows.iter().any(|row| row == *code)).collect();
    assert!(missing.is_empty(), "packaging/doc/runbook.md has no row for {missing:?} below {chapter}");
    let gone: Vec<&String> = rows.iter().filter(|row| !codes.contains(&row.as_str())).collect();
    assert!(gone.is_empty(), "packaging/doc/runbook.md explains {gone:?}, which {source} does not have");
    assert_eq!(rows.len(), codes.len(), "packaging/doc/runbook.md explains something twice below {chapter}");
}

#[test]
fn every_event_is_in_the_runbook_and_no_other() {
    same("Events", EventCode::ALL.iter().map(|code| code.as_str()).collect(), "src/model/event.rs");
}

#[test]
fn every_alarm_is_in_the_runbook_and_no_other() {
    same("Alarms", AlarmCode::ALL.iter().map(|code| code.as_str()).collect(), "src/model/alarm.rs");
}

/// The code of each health that is not good, where the sources spell one out.
fn bad_codes(directory: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            bad_codes(&path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for health in ["Health::PartiallyHealthy,", "Health::Unhealthy,"] {
                let behind = text.split(health).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
                found.extend(behind.filter_map(|rest| Some((name.clone(), rest.split_once('"')?.0.to_owned()))));
            }
        }
    }
}

#[test]
fn every_health_that_is_not_good_says_what_to_do() {
    let mut found = Vec::new();
    bad_codes(&root().join("src"), &mut found);
    assert!(found.len() > 25, "{found:?}");
    let without: Vec<_> = found.iter().filter(|(_, code)| remedy(code).is_none()).collect();
    assert!(without.is_empty(), "src/model/remedy.rs has nothing for {without:?}");
}

#[test]
fn every_relative_link_leads_somewhere() {
    let documents = documents(root());
    assert!(documents.len() >= 7, "{documents:?}");
    let mut broken = Vec::new();
    for document in &documents {
        let text = fs::read_to_string(document).unwrap();
        for link in links(&text).into_iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { document.clone() } else { document.parent().unwrap().join(path) };
            let there = target.exists()
                && (anchor.is_empty() || anchors(&fs::read_to_string(&target).unwrap()).iter().any(|a| a == anchor));
            if !there {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn every_make_target_that_is_named_exists() {
    let makefile = read("Makefile");
    let targets: Vec<&str> = makefile.lines().filter_map(|line| line.split_once(':').map(|(name, _)| name)).collect();
    for path in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "packaging/doc/install.md"] {
        let text = read(path);
        let commands = text.match_indices("make ").filter(|(at, _)| {
            let before = text[..*at].chars().next_back();
            let indented = text[..*at].ends_with("    ");
            before == Some('`') || indented
        });
        let named: Vec<&str> = commands
            .filter_map(|(at, found)| {
                text[at + found.len()..].split(|c: char| !c.is_ascii_lowercase() && c != '-').next()
            })
            .filter(|name| !name.is_empty())
            .collect();
        assert!(!named.is_empty(), "{path} names no make target");
        let missing: Vec<&&str> = named.iter().filter(|name| !targets.contains(name)).collect();
        assert!(missing.is_empty(), "{path} names {missing:?}, which the Makefile does not have");
    }
}

/// What the documents have people type: code between backticks, and indented or fenced lines of commands.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            found.push(line.split(" # ").next().unwrap_or_default().trim().to_owned());
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(|code| code.trim().to_owned()));
        }
    }
    found
}

/// The documents that tell people what to type.
fn guides() -> Vec<(String, String)> {
    let all = documents(root()).into_iter();
    let named = all.map(|path| path.strip_prefix(root()).unwrap().display().to_string());
    named.filter(|name| name != "CHANGELOG.md").map(|name| (name.clone(), read(&name))).collect()
}

fn is_verb(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

/// `uplinkctl WORD…`'s own help, if it has such a verb.
fn help(words: &[&str]) -> Option<String> {
    let asked = std::process::Command::new(env!("CARGO_BIN_EXE_uplinkctl")).args(words).arg("--help").output().unwrap();
    asked.status.success().then(|| String::from_utf8(asked.stdout).unwrap())
}

/// What is wrong with a line that calls `uplinkctl`.
fn wrong(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().skip_while(|word| *word == "sudo").collect();
    let [program, rest @ ..] = &words[..] else { return None };
    if *program != "uplinkctl" && !program.ends_with("/uplinkctl") {
        return None;
    }
    let ends = |word: &&&str| !["|", ";", "&&", ">"].contains(*word);
    let rest: Vec<&str> = rest.iter().take_while(ends).map(|word| word.trim_end_matches([';', ',', '.'])).collect();
    // Before the verb stand options that every verb has.
    let at = rest.iter().position(|word| is_verb(word))?;
    let (mut verb, mut text) = (Vec::new(), "\nCommands:".to_owned());
    // Verbs of verbs; between them may stand what they are about (`cue CHANNEL out`).
    for word in rest[at..].iter().take_while(|word| is_verb(word)) {
        if !text.contains("\nCommands:") {
            break;
        }
        verb.push(*word);
        let Some(of_this) = help(&verb) else { return Some(format!("there is no `uplinkctl {}`", verb.join(" "))) };
        text = of_this;
    }
    let options = rest.iter().filter_map(|word| word.trim_start_matches('[').strip_prefix("--"));
    let names = options.map(|option| option.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap());
    let unknown = names.filter(|name| !text.contains(&format!("--{name}"))).collect::<Vec<_>>();
    (!unknown.is_empty()).then(|| format!("`uplinkctl {}` has no --{}", verb.join(" "), unknown.join(", --")))
}

#[test]
fn every_command_line_that_is_named_exists() {
    let (mut seen, mut faults) = (0, Vec::new());
    for (name, text) in guides() {
        let calls = commands(&text).into_iter().filter(|command| command.contains("uplinkctl "));
        for command in calls {
            seen += 1;
            faults.extend(wrong(&command).map(|fault| format!("{name}: {command}: {fault}")));
        }
    }
    assert!(seen > 60, "only {seen} calls of uplinkctl were found: the reading of the documents is broken");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for (command, fault) in [
        ("uplinkctl recieve demo", "there is no `uplinkctl recieve`"),
        ("sudo uplinkctl user forget ada", "there is no `uplinkctl user forget`"),
        ("uplinkctl events --backwards -n 3", "`uplinkctl events` has no --backwards"),
    ] {
        assert_eq!(wrong(command).as_deref(), Some(fault));
    }
    assert_eq!(wrong("sudo uplinkctl user add ada admin"), None);
}

#[test]
fn every_file_that_is_named_exists() {
    let (mut seen, mut missing) = (0, Vec::new());
    for (name, text) in guides() {
        let words = commands(&text).into_iter().flat_map(|code| {
            code.split_whitespace()
                .map(|word| word.trim_matches(['(', ')', ',', ';', ':', '"']).to_owned())
                .collect::<Vec<_>>()
        });
        let ours =
            ["packaging/", "src/", "tests/", "benches/", "systemd/", "udev/", "pipelines/", "hardware-profiles/"];
        let ours = words.filter(|word| ours.iter().any(|folder| word.starts_with(folder)));
        for path in ours.filter(|path| !path.contains(['*', '<', '…', '{', '$'])) {
            seen += 1;
            // The panel's own are named as they lie in its folder.
            if !root().join(&path).exists() && !root().join("web-ui").join(&path).exists() {
                missing.push(format!("{name}: {path}"));
            }
        }
    }
    assert!(seen > 30, "only {seen} names of files were found: the reading of the documents is broken");
    assert!(missing.is_empty(), "not there:\n{}", missing.join("\n"));
}

#[test]
fn every_layer_and_program_is_in_the_documents() {
    let (readme, architecture) = (read("README.md"), read("packaging/doc/architecture.md"));
    for program in ["uplinkd", "uplink-worker", "uplinkctl", "uplink-origin", "uplink-measure"] {
        assert!(readme.contains(&format!("| `{program}` |")), "README.md does not name {program}");
        assert!(architecture.contains(program), "architecture.md does not name {program}");
    }
    let contributing = read("CONTRIBUTING.md");
    for entry in fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = entry.path().is_dir() && !name.starts_with('.') && name != "target";
        assert!(
            !ours || contributing.contains(&format!("| `{name}/`")),
            "CONTRIBUTING.md does not say what {name}/ is"
        );
    }
}

/// What each alert of the unit tests is expected to say: whether something, and whether nothing.
fn expected(alert: &str) -> (bool, bool) {
    let tests = read("packaging/monitoring/alerts_test.yml");
    let named = format!("alertname: {alert}");
    let mut said = (false, false);
    let lines: Vec<&str> = tests.lines().map(str::trim).collect();
    for pair in lines.windows(2).filter(|pair| pair[0] == named) {
        match pair[1] {
            "exp_alerts:" => said.0 = true,
            "exp_alerts: []" => said.1 = true,
            other => panic!("{alert}: `{other}` where promtool wants `exp_alerts`"),
        }
    }
    said
}

/// promtool itself runs them (`packaging/test`); it does not miss what nobody wrote.
#[test]
fn every_alert_rule_is_tried_both_ways() {
    let rules = read("packaging/monitoring/alerts.yml");
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 20, "{alerts:?}");
    let never: Vec<&&str> = alerts.iter().filter(|alert| !expected(alert).0).collect();
    assert!(never.is_empty(), "packaging/monitoring/alerts_test.yml has no case in which {never:?} fires");
    let always: Vec<&&str> = alerts.iter().filter(|alert| !expected(alert).1).collect();
    assert!(always.is_empty(), "packaging/monitoring/alerts_test.yml has no case in which {always:?} keeps quiet");
}

/// Who follows the steps finds what was tried.
#[test]
fn the_first_hour_is_the_one_that_is_tried() {
    let (readme, tried) = (read("README.md"), read("web-ui/tests/first_hour.mjs"));
    let (_, hour) = readme.split_once("\n## The first hour\n").unwrap();
    let (hour, _) = hour.split_once("\n## ").unwrap();
    let step = |line: &str| Some(line.split_once(". **")?.1.split_once("**")?.0.to_owned());
    let steps: Vec<String> = hour.lines().filter_map(step).collect();
    let test = |line: &str| Some(line.strip_prefix("test('")?.split_once('\'')?.0.to_owned());
    let tests: Vec<String> = tried.lines().filter_map(test).collect();
    assert!(steps.len() > 5, "{steps:?}");
    assert_eq!(steps, tests, "README.md and web-ui/tests/first_hour.mjs");
    // Buttons are called as the panel calls them.
    let words = read("web-ui/src/words/en.ts");
    for button in ["Take", "Slate", "Release", "Check", "What would change?", "Put in force", "Stop"] {
        assert!(hour.contains(button) && words.contains(&format!("'{button}'")), "{button}");
    }
}

/// The figure that the unit gives of itself, by systemd's own scale of 0 to 10.
#[test]
fn the_daemon_is_as_confined_as_its_unit_says() {
    let unit = root().join("systemd/uplinkd.service");
    let text = fs::read_to_string(&unit).unwrap();
    let (_, said) = text.split_once("`systemd-analyze security uplinkd.service` says ").unwrap();
    let said: String = said.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let said: f64 = said.trim_end_matches('.').parse().unwrap();
    let asked = std::process::Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(&unit)
        .output();
    let Some(answer) = asked.ok().filter(|answer| answer.status.success()) else {
        eprintln!("SKIPPED: the unit's exposure: no systemd-analyze that judges a file");
        return;
    };
    let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
    let (_, level) = answer.rsplit_once("uplinkd.service: ").unwrap_or_else(|| panic!("{answer}"));
    let level: f64 = level.split_whitespace().next().unwrap().parse().unwrap();
    assert!(level <= 2.5 && level <= said, "{level}, and the unit says {said}:\n{answer}");
}
