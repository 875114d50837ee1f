//! Files as a technician, a package, two engineers and a bad disk leave them.

use std::path::Path;

use super::versions::How;
use super::*;

struct Site {
    dir: tempfile::TempDir,
    classes: Classes,
}

/// A daemon whose shipped class `talk` says `shipped`.
fn site(shipped: &str) -> Site {
    let dir = tempfile::tempdir().unwrap();
    let classes = Classes::below(&dir.path().join("state"));
    std::fs::create_dir(dir.path().join("shipped")).unwrap();
    std::fs::write(dir.path().join("shipped/talk.toml"), shipped).unwrap();
    let site = Site { dir, classes };
    site.reload();
    site
}

impl Site {
    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// What a reload does: the files are read, and put in force.
    fn reload(&self) {
        let place = self.classes.place().unwrap();
        place.known().shipped = self.path("shipped");
        let read = self.classes.list().unwrap().into_iter().filter_map(|found| {
            let text = std::fs::read_to_string(&found.file).ok()?;
            Some((found.name, ClassFile { path: found.file, text, own: found.own }))
        });
        let read = read.collect();
        place.known().read = read;
        self.classes.put_in_force();
    }

    async fn apply(&self, text: &str) -> Written {
        let change = self.classes.applying("talk", text.to_owned()).unwrap();
        self.write(&change).await
    }

    async fn write(&self, change: &Change) -> Written {
        let turn = self.classes.turn().await.unwrap();
        self.classes.write(&turn, change, Some("ada".to_owned()), Some("why not".to_owned())).unwrap()
    }

    /// Version, how, whether it is the site's own, and its text; newest first.
    fn versions(&self) -> Vec<(u32, How, bool, String)> {
        let all = self.classes.versions("talk").unwrap().into_iter();
        all.map(|kept| {
            let about = kept.about.unwrap();
            let (_, text) = self.classes.version("talk", kept.version).unwrap();
            (kept.version, about.how, about.own, text)
        })
        .collect()
    }

    fn now(&self) -> (String, bool) {
        let found = self.classes.find("talk").unwrap();
        (found.text.unwrap(), found.own)
    }
}

fn version(number: u32, how: How, own: bool, text: &str) -> (u32, How, bool, String) {
    (number, how, own, text.to_owned())
}

#[tokio::test]
async fn what_is_shipped_is_the_first_version_and_stays_untouched() {
    let site = site("a = 1\n");
    assert_eq!(site.versions(), [version(1, How::Found, false, "a = 1\n")]);
    site.reload();
    assert_eq!(site.versions().len(), 1, "the same again is no version");
    assert_eq!(site.apply("a = 2\n").await.version, Some(2));
    assert_eq!(site.now(), ("a = 2\n".to_owned(), true));
    assert_eq!(std::fs::read_to_string(site.path("shipped/talk.toml")).unwrap(), "a = 1\n");
    assert!(!site.classes.find("talk").unwrap().in_force, "it is written, and not read yet");
    site.reload();
    assert!(site.classes.find("talk").unwrap().in_force);
    assert_eq!(site.versions()[0], version(2, How::Applied, true, "a = 2\n"));
    let (about, _) = site.classes.version("talk", 2).unwrap();
    assert_eq!((about.by.as_deref(), about.comment.as_deref()), (Some("ada"), Some("why not")));
}

#[tokio::test]
async fn back_to_what_is_shipped_takes_the_copy_away() {
    let site = site("a = 1\n");
    site.apply("a = 2\n").await;
    let back = site.classes.going_back("talk", 1).unwrap();
    assert_eq!((back.own, back.trial().text), (false, None));
    site.write(&back).await;
    assert!(!site.path("state/pipelines/talk.toml").exists());
    assert_eq!(site.now(), ("a = 1\n".to_owned(), false));
    assert_eq!(site.versions()[0], version(3, How::RolledBack, false, "a = 1\n"));
    // The package brings another one: what was is still there to go back to.
    std::fs::write(site.path("shipped/talk.toml"), "a = 9\n").unwrap();
    site.reload();
    let back = site.classes.going_back("talk", 1).unwrap();
    assert!(back.own, "the shipped class says something else by now");
    site.write(&back).await;
    assert_eq!(site.now(), ("a = 1\n".to_owned(), true));
    let shipped = site.classes.going_back_to_shipped("talk").unwrap();
    site.write(&shipped).await;
    assert_eq!(site.now(), ("a = 9\n".to_owned(), false));
    assert!(matches!(site.classes.going_back_to_shipped("news"), Err(ClassError::NotShipped(_))));
}

#[tokio::test]
async fn an_edit_by_hand_is_a_version_too_whether_it_was_read_or_not() {
    let site = site("a = 1\n");
    site.apply("a = 2\n").await;
    site.reload();
    let copy = site.path("state/pipelines/talk.toml");
    std::fs::write(&copy, "a = 3 # at 3 in the morning\n").unwrap();
    site.reload();
    assert_eq!(site.versions()[0], version(3, How::Found, true, "a = 3 # at 3 in the morning\n"));
    // One that nobody has read, faulty or not, is kept before it is written over.
    std::fs::write(&copy, "a = \n").unwrap();
    site.apply("a = 4\n").await;
    assert_eq!(site.versions()[1], version(4, How::Found, true, "a = \n"));
    assert_eq!(site.versions()[0], version(5, How::Applied, true, "a = 4\n"));
    // A version that is copied over the class by hand is that version: its head is none of its text.
    std::fs::copy(site.path("state/pipelines/versions/talk/0002.toml"), &copy).unwrap();
    assert_eq!(site.now(), ("a = 2\n".to_owned(), true));
    site.reload();
    assert_eq!(site.versions()[0], version(6, How::Found, true, "a = 2\n"));
}

#[tokio::test]
async fn what_does_not_come_into_force_leaves_nothing_behind() {
    let site = site("a = 1\n");
    site.apply("a = 2\n").await.take_back().unwrap();
    assert_eq!((site.now(), site.versions().len()), (("a = 1\n".to_owned(), false), 1));
    site.apply("a = 2\n").await;
    site.apply("a = 3\n").await.take_back().unwrap();
    assert_eq!((site.now(), site.versions().len()), (("a = 2\n".to_owned(), true), 2));
    let back = site.classes.going_back_to_shipped("talk").unwrap();
    site.write(&back).await.take_back().unwrap();
    assert_eq!(site.now(), ("a = 2\n".to_owned(), true));
}

#[tokio::test]
async fn a_damaged_version_is_named_and_hides_no_other() {
    let site = site("a = 1\n");
    site.apply("a = 2\n").await;
    let file = |number| site.path(&format!("state/pipelines/versions/talk/000{number}.toml"));
    let whole = std::fs::read_to_string(file(2)).unwrap();
    assert!(whole.starts_with("#: at = ") && whole.ends_with("\n#:\na = 2\n"), "{whole}");
    for (damaged, reason) in [
        (whole.replace("a = 2", "a = 7"), "not the one"),
        ("#: at".to_owned(), "its head"),
        (String::new(), "its head"),
    ] {
        std::fs::write(file(2), damaged).unwrap();
        let all = site.classes.versions("talk").unwrap();
        assert_eq!(
            all.iter().map(|kept| (kept.version, kept.about.is_some())).collect::<Vec<_>>(),
            [(2, false), (1, true)]
        );
        let fault = all[0].fault.as_deref().unwrap();
        assert!(fault.contains("0002.toml is damaged") && fault.contains(reason), "{fault}");
        assert!(matches!(site.classes.going_back("talk", 2), Err(ClassError::Corrupt { .. })));
    }
    assert_eq!(site.apply("a = 3\n").await.version, Some(4), "3 is what was on disk; 2 is never given again");
    assert!(matches!(site.classes.version("talk", 9), Err(ClassError::UnknownVersion(_, 9))));
}

#[tokio::test]
async fn a_text_may_begin_like_a_head_and_a_comment_may_have_lines() {
    let site = site("a = 1\n");
    for text in ["#: at = 7\na = 2\n", "#:\n#:\n", "#:schema x\r\na = 2", ""] {
        let change = site.classes.applying("talk", text.to_owned()).unwrap();
        let turn = site.classes.turn().await.unwrap();
        let comment = "one\n\"\"\"two\n#:\n".to_owned();
        let version = site.classes.write(&turn, &change, None, Some(comment.clone())).unwrap().version.unwrap();
        let (about, kept) = site.classes.version("talk", version).unwrap();
        assert_eq!((kept.as_str(), about.comment), (text, Some(comment)));
    }
}

#[tokio::test]
async fn a_copy_that_is_no_text_is_not_written_over() {
    let site = site("a = 1\n");
    std::fs::create_dir_all(site.path("state/pipelines")).unwrap();
    let copy = site.path("state/pipelines/talk.toml");
    std::fs::write(&copy, b"\xff\xfe").unwrap();
    let change = site.classes.applying("talk", "a = 2\n".to_owned()).unwrap();
    let turn = site.classes.turn().await.unwrap();
    let refused = site.classes.write(&turn, &change, None, None);
    assert!(matches!(refused, Err(ClassError::File { path, .. }) if path == copy));
    assert_eq!(std::fs::read(&copy).unwrap(), b"\xff\xfe");
    assert!(site.classes.find("talk").unwrap().text.is_err());
}

#[tokio::test]
async fn only_old_versions_are_pruned_and_their_numbers_do_not_come_again() {
    let site = site("a = 1\n");
    for text in ["a = 2\n", "a = 3\n", "a = 4\n"] {
        site.apply(text).await;
    }
    let turn = site.classes.turn().await.unwrap();
    std::fs::write(site.path("state/pipelines/versions/talk/0002.toml"), "damaged").unwrap();
    assert_eq!(site.classes.older("talk", 3).unwrap(), [1]);
    assert_eq!(site.classes.prune(&turn, "talk", 2).unwrap(), [1, 2], "damaged ones go, too");
    assert_eq!(site.classes.prune(&turn, "talk", 2).unwrap(), Vec::<u32>::new());
    assert_eq!(site.classes.prune(&turn, "talk", 0).unwrap(), [3], "one stays whatever is asked");
    drop(turn);
    assert_eq!(site.versions(), [version(4, How::Applied, true, "a = 4\n")]);
    assert_eq!(site.apply("a = 5\n").await.version, Some(5));
}

#[tokio::test]
async fn a_class_of_the_site_alone_is_deleted_and_can_be_gone_back_to() {
    let site = site("a = 1\n");
    let new = site.classes.applying("court", "b = 1\n".to_owned()).unwrap();
    site.write(&new).await;
    // By hand, and nobody has read it yet: it is kept before it goes.
    std::fs::write(site.path("state/pipelines/court.toml"), "b = 2\n").unwrap();
    let gone = site.classes.deleting("court").unwrap();
    assert_eq!(gone.trial().text, None);
    let written = site.write(&gone).await;
    assert!(matches!(site.classes.find("court"), Err(ClassError::Unknown(_))));
    assert_eq!(site.classes.versions("court").unwrap().len(), 2, "a deletion is no version, and takes none");
    written.take_back().unwrap();
    assert_eq!(site.classes.find("court").unwrap().text.unwrap(), "b = 2\n");
    site.write(&gone).await;
    assert!(matches!(site.classes.deleting("court"), Err(ClassError::Unknown(_))));
    site.write(&site.classes.going_back("court", 2).unwrap()).await;
    assert_eq!(site.classes.find("court").unwrap().text.unwrap(), "b = 2\n");
    site.apply("a = 2\n").await;
    assert!(matches!(site.classes.deleting("talk"), Err(ClassError::Shipped(_))), "the package would bring it back");
}

#[test]
fn names_lead_nowhere_else() {
    let classes = Classes::below(Path::new("/nowhere"));
    for name in ["", "..", "a/b", "../talk", "Talk", "talk.toml", ".talk"] {
        assert!(matches!(classes.find(name), Err(ClassError::Name(_))), "{name}");
        assert!(matches!(classes.version(name, 1), Err(ClassError::Name(_))), "{name}");
    }
    assert!(matches!(classes.find("talk"), Err(ClassError::Unknown(_))));
    assert!(matches!(Classes::default().find("talk"), Err(ClassError::Nowhere)));
}
