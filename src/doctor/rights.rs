//! Whether the service's user may open what it needs: device nodes by their groups, its own directories.

use std::collections::BTreeSet;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::{Finding, Ground};

/// Who runs the daemon of the package.
const USER: &str = "uplink";
/// The unit adds these, whatever `/etc/group` says.
const ADDED: [&str; 3] = ["video", "audio", "render"];
/// Nodes of cards that capture or encode: a directory, how the name begins and ends.
const NODES: [(&str, &str, &str); 9] = [
    ("dev", "video", ""),
    ("dev", "media", ""),
    ("dev/snd", "pcm", "c"),
    ("dev/dri", "renderD", ""),
    ("dev/blackmagic", "", ""),
    ("dev/blackmagic/io", "", ""),
    ("dev", "nvidia", ""),
    ("dev", "ajantv2", ""),
    ("dev", "mpp_service", ""),
];

/// Who a process is.
#[derive(Debug, PartialEq, Eq)]
struct Who {
    name: String,
    user: u32,
    groups: BTreeSet<u32>,
}

/// What may be done with a file.
#[derive(Debug, Clone, Copy)]
struct Rights {
    user: u32,
    group: u32,
    mode: u32,
}

impl Who {
    /// Reading and writing, by owner, group and everybody; access control lists are not looked at.
    fn may(&self, rights: Rights) -> bool {
        let shift = if rights.user == self.user {
            6
        } else if self.groups.contains(&rights.group) {
            3
        } else {
            0
        };
        self.user == 0 || (rights.mode >> shift) & 0o6 == 0o6
    }
}

pub(super) fn examine(ground: &Ground) -> Vec<Finding> {
    let (passwd, group) = (ground.word("etc/passwd").unwrap_or_default(), ground.word("etc/group").unwrap_or_default());
    let unit = [
        "usr/lib/systemd/system/uplinkd.service",
        "lib/systemd/system/uplinkd.service",
        "etc/systemd/system/uplinkd.service",
    ];
    let unit = unit.iter().any(|path| ground.root.join(path).exists());
    let Some(who) = service(&passwd, &group, unit) else {
        let text = format!("there is no user {USER}: the package is not installed, the daemon runs as who starts it");
        return vec![Finding::not_here("groups", text), nodes(&own(), &of(ground))];
    };
    let lacks: Vec<&str> =
        ADDED.into_iter().filter(|name| number(&group, name).is_some_and(|id| !who.groups.contains(&id))).collect();
    let groups = match lacks.as_slice() {
        [] => Finding::ok("groups", format!("{USER} is in video, audio and render, as far as this box has them")),
        lacks => {
            let todo = format!("usermod -aG {} {USER}, then systemctl restart uplinkd", lacks.join(","));
            Finding::warn("groups", format!("{USER} is not in {}", lacks.join(", ")), todo)
        }
    };
    vec![groups, nodes(&who, &of(ground))]
}

/// The user of the package's unit.
fn service(passwd: &str, group: &str, unit: bool) -> Option<Who> {
    let line = passwd.lines().find(|line| line.starts_with(&format!("{USER}:")))?;
    let mut fields = line.split(':').skip(2);
    let (user, first) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let mut groups = BTreeSet::from([first]);
    for line in group.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, id, members] = fields[..] else { continue };
        if members.split(',').any(|member| member == USER) || (unit && ADDED.contains(&name)) {
            groups.extend(id.parse::<u32>());
        }
    }
    Some(Who { name: USER.to_owned(), user, groups })
}

fn number(group: &str, name: &str) -> Option<u32> {
    let line = group.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

fn own() -> Who {
    let groups = nix::unistd::getgroups().unwrap_or_default().into_iter().map(|group| group.as_raw());
    let mut groups: BTreeSet<u32> = groups.collect();
    groups.insert(nix::unistd::getegid().as_raw());
    Who { name: "this user".to_owned(), user: nix::unistd::geteuid().as_raw(), groups }
}

fn of(ground: &Ground) -> Vec<(String, Rights)> {
    let mut nodes = Vec::new();
    for (directory, begin, end) in NODES {
        for name in ground.names(directory) {
            let path = ground.root.join(directory).join(&name);
            if name.starts_with(begin)
                && name.ends_with(end)
                && is_node(&path)
                && let Ok(meta) = std::fs::metadata(&path)
            {
                let rights = Rights { user: meta.uid(), group: meta.gid(), mode: meta.mode() };
                nodes.push((format!("/{directory}/{name}"), rights));
            }
        }
    }
    nodes
}

fn is_node(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.file_type().is_char_device())
}

fn nodes(who: &Who, nodes: &[(String, Rights)]) -> Finding {
    let closed: Vec<&str> =
        nodes.iter().filter(|(_, rights)| !who.may(*rights)).map(|(path, _)| path.as_str()).collect();
    match (nodes, closed.as_slice()) {
        ([], _) => Finding::not_here("nodes", "no card that captures or encodes has a node in /dev"),
        (all, []) => Finding::ok("nodes", format!("{} may open all {} nodes of cards", who.name, all.len())),
        (_, closed) => {
            let todo = "udevadm control --reload && udevadm trigger applies the package's rules; else chgrp video the node \
                        and write a rule of your own";
            Finding::fault("nodes", format!("{} may not open {}", who.name, closed.join(", ")), todo)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nuplink:x:990:989::/var/lib/uplink:/usr/sbin/nologin\n";
    const GROUP: &str = "video:x:44:\naudio:x:29:uplink\nrender:x:105:someone\nuplink:x:989:\n";

    #[test]
    fn groups_come_from_the_file_and_from_the_unit() {
        let groups = |unit| service(PASSWD, GROUP, unit).unwrap().groups.into_iter().collect::<Vec<_>>();
        assert_eq!(groups(false), [29, 989]);
        assert_eq!(groups(true), [29, 44, 105, 989]);
        assert_eq!(service("root:x:0:0::/root:/bin/sh", GROUP, true), None);
    }

    #[test]
    fn a_node_is_open_by_owner_group_or_to_everybody() {
        let who = service(PASSWD, GROUP, true).unwrap();
        let node = |user, group, mode| ("/dev/video0".to_owned(), Rights { user, group, mode });
        let state = |one| nodes(&who, &[one]).state;
        assert_eq!(state(node(0, 44, 0o20_660)), State::Ok);
        assert_eq!(state(node(0, 44, 0o20_640)), State::Fault, "it is written to, too");
        assert_eq!(state(node(0, 0, 0o20_660)), State::Fault);
        assert_eq!(state(node(0, 0, 0o20_666)), State::Ok);
        assert_eq!(state(node(990, 0, 0o20_600)), State::Ok);
        assert_eq!(nodes(&who, &[]).state, State::NotHere);
    }
}
