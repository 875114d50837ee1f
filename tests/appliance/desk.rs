//! The panel's hands on a real channel: a destination is sent to its backup and back; a recording is marked, ended, played, cut,
//! made into a movie, sent and deleted. The page's own test (`web-ui/tests/desk.mjs`) does the pressing and the looking.

use crate::browser::node;
use crate::destinations::{Backup, QUICK, add_backup};
use crate::rig::{PLAIN, Rig};

#[test]
fn the_panel_fails_over_and_records_a_real_channel() {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    let backup = Backup::start(&rig, "backup");
    add_backup(&rig, &backup.url(), QUICK);
    rig.edit(|text| {
        let text = text.replace("destinations = [\"origin\"]", "destinations = [\"origin\", \"archive\"]");
        format!(
            "{text}[recordings]\nkeep_free = \"1M\"\n[destinations.archive]\nkind = \"recording\"\ntitle = \"Rig\"\n"
        )
    });
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    let settings = [
        ("UPLINK_PANEL_URL", format!("http://{}", rig.api)),
        ("UPLINK_PANEL_CHANNEL", "a".to_owned()),
        ("UPLINK_BACKUP", format!("http://{}", backup.address())),
    ];
    node("tests/desk.mjs", &settings);
}
