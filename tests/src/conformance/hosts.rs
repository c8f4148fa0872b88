//! Disks as containers and hosts have them: real mounts, in a namespace that goes with the server.

use super::Target;
use super::peer::{Peer, get, put};
use crate::process::{Folder, Process};
use crate::suite::Case;
use std::fs;

/// What a case mounts, in a shell whose working folder is that of the server, and what holds then.
struct Host {
    /// Of the case.
    name: &'static str,
    /// Done once, before the first start.
    prepare: &'static str,
    /// Done at each start.
    mount: &'static str,
    /// Loop devices are for root alone, in the machine's own user namespace.
    needs_root: bool,
    /// The value of `kvConfigPath`, below the folder.
    path: &'static str,
    /// Where the entries have to be found, below the folder.
    file: &'static str,
    /// The end of the line that says how changes are kept; `None` where they are kept in the usual way.
    told: Option<&'static str>,
    /// What is mounted is there again after the next start.
    lasts: bool,
}

const PLAIN: Host = Host {
    name: "",
    prepare: "true",
    mount: "true",
    needs_root: false,
    path: "mounted/kv.json",
    file: "mounted/kv.json",
    told: None,
    lasts: true,
};

/// `- ./kvConfig.json:/…/kvConfig.json` in a compose file.
const BOUND: Host = Host {
    name: "a_file_that_is_mounted_alone",
    prepare: "mkdir host mounted && echo '{\"configTable\":{}}' > host/kv.json && touch mounted/kv.json",
    mount: "mount --bind host/kv.json mounted/kv.json",
    file: "host/kv.json",
    told: Some("mounted/kv.json is a mount point"),
    ..PLAIN
};

const HOSTS: [Host; 6] = [
    BOUND,
    // The same, created with `touch`.
    Host {
        name: "an_empty_file_that_is_mounted_alone",
        prepare: "mkdir host mounted && touch host/kv.json mounted/kv.json",
        ..BOUND
    },
    // A container with `read_only: true` and one file that may be written.
    Host {
        name: "a_file_that_may_be_written_in_a_folder_that_may_not",
        mount: "mount --bind mounted mounted && mount --bind host/kv.json mounted/kv.json \
                && mount -o remount,bind,ro mounted",
        ..BOUND
    },
    // A link from the container's own layer into a volume that is empty at first.
    Host {
        name: "a_link_into_an_empty_volume",
        prepare: "mkdir volume mounted && ln -s ../mounted/kv.json volume/link",
        mount: "mount -t tmpfs tmpfs mounted",
        path: "volume/link",
        lasts: false,
        ..PLAIN
    },
    // A file of the image, below a container's own layer.
    Host {
        name: "a_file_of_an_overlay",
        prepare: "mkdir lower upper work mounted && echo '{\"configTable\":{}}' > lower/kv.json",
        mount: "mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work mounted",
        file: "upper/kv.json",
        ..PLAIN
    },
    // A disk of its own.
    Host {
        name: "a_file_system_in_a_file",
        prepare: "mkdir mounted && truncate -s 8M image && mkfs.ext4 -q image",
        mount: "mount -o loop image mounted",
        needs_root: true,
        ..PLAIN
    },
];

/// A case for each host.
pub(super) fn cases() -> impl Iterator<Item = Case> {
    HOSTS.iter().map(|host| Case { name: format!("hosts::{}", host.name), run: Box::new(|target| host.check(target)) })
}

/// A mounted file on a disk without room: what is refused is not in the file, and what was there stays.
pub(super) fn a_file_that_is_mounted_alone_from_a_full_disk(target: &Target) {
    let host = Host {
        name: "a_file_that_is_mounted_alone_from_a_full_disk",
        prepare: "mkdir host mounted && touch mounted/kv.json",
        mount: "mount -t tmpfs -o size=64k tmpfs host && echo '{\"configTable\":{}}' > host/kv.json \
                && mount --bind host/kv.json mounted/kv.json",
        lasts: false,
        ..BOUND
    };
    let Some(server) = host.start(target) else { return };
    let mut peer = Peer::connect(&server);
    let value = "v".repeat(1024);
    let codes: Vec<_> = (0..100).map(|key| peer.ask(&put("n", &key.to_string(), &value)).code).collect();
    assert!(codes.contains(&0) && codes.contains(&1), "there is room for some: {codes:?}");
    let saved = fs::read_to_string(server.path_of_its_own(host.file)).expect("the file is there");
    for (key, code) in codes.into_iter().enumerate() {
        assert_eq!(peer.ask(&get("n", &key.to_string())).code, if code == 0 { 0 } else { 22 });
        assert_eq!(saved.contains(&format!("\"{key}\":")), code == 0, "{key}: answered with {code}");
    }
    assert!(saved.ends_with("}}"), "nothing is behind it");
}

impl Host {
    /// Starts a server that tells how it keeps changes, saves, is killed, and starts again.
    fn check(&self, target: &Target) {
        let Some(server) = self.start(target) else { return };
        self.assert_told(&server);
        let mut peer = Peer::connect(&server);
        for key in ["one", "two"] {
            let answer = peer.ask(&put("n", key, "v"));
            assert_eq!(answer.code, 0, "{}: {:?}", self.name, answer.remark);
        }
        let saved = fs::read_to_string(server.path_of_its_own(self.file)).expect("the file is there");
        assert_eq!(saved, r#"{"configTable":{"n":{"one":"v","two":"v"}}}"#, "{}", self.name);
        let link = server.path_of_its_own(self.path);
        let folder = link.parent().expect("a folder");
        let names = fs::read_dir(folder).expect("it can be read").map(|entry| entry.expect("an entry").file_name());
        assert!(!names.into_iter().any(|name| name.to_string_lossy().contains(".namesrv.")), "nothing lies about");
        if self.lasts {
            let server = server.restart(target.binary());
            self.assert_told(&server);
            assert_eq!(Peer::connect(&server).ask(&get("n", "two")).code, 0, "{}", self.name);
        }
    }

    fn assert_told(&self, server: &Process) {
        let log = server.log_of_start();
        let of_kv_file: Vec<_> = log.lines().filter(|line| line.contains("kvConfigPath: ")).collect();
        let told = of_kv_file.iter().find(|line| line.contains("changes are written in place: "));
        match (self.told, told) {
            (Some(end), Some(line)) => assert!(line.ends_with(end), "{line}"),
            (None, None) => {}
            (expected, found) => panic!("{}: {expected:?}, {found:?}", self.name),
        }
        assert!(!of_kv_file.iter().any(|line| line.contains("changes cannot be kept")), "{}: {log}", self.name);
    }

    /// None where the machine does not allow it, which is told.
    fn start(&self, target: &Target) -> Option<Process> {
        let folder = Folder::plain();
        let path = folder.path(self.path).display().to_string();
        let folder = folder.with_property("kvConfigPath", &path).with_mounts(self.mount, self.needs_root);
        match folder.run_in_folder(self.prepare).and_then(|()| folder.try_mounts()) {
            Ok(()) => Some(folder.start(target.binary())),
            Err(reason) => {
                target.figure(self.name, &format!("SKIPPED: it cannot be mounted here: {reason}"));
                None
            }
        }
    }
}
