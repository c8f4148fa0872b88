//! What docs/REPLACING.md promises, step by step, with files as a Java NameServer leaves them.

use super::Target;
use super::peer::{Peer, get, put};
use crate::differences::repository;
use crate::process::{CONFIG, Folder, KV_FILE};
use crate::request::Request;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Programs of the page that need a Java server: `tests/interop/run replaced-in-place` runs them.
const OF_JAVA: [&str; 4] = ["ps", "mqadmin", "mqshutdown", "mqnamesrv"];

/// A KV file as the Java server writes it.
const JAVA_KV: &str = r#"{"configTable":{"ORDER_TOPIC_CONFIG":{"Orders":"broker-a:4"}}}"#;

/// The commands of a section of the page that need no Java, without their comments.
fn commands(section: &str) -> Vec<String> {
    let page = fs::read_to_string(repository().join("docs/REPLACING.md")).expect("the page");
    let section = page.split("\n## ").find(|text| text.starts_with(section)).expect("the section");
    let blocks = section.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    let commands = blocks.flat_map(str::lines).map(|line| line.split('#').next().unwrap_or_default().trim().to_owned());
    commands.filter(|command| !OF_JAVA.iter().any(|program| command.starts_with(program))).collect()
}

/// Runs a command of the page in the folder of the files.
fn run(target: &Target, folder: &Path, command: &str, id: u32) -> Output {
    let script = command
        .replace("namesrv-mio", "\"$0\"")
        .replace("FILE", CONFIG)
        .replace("PID", &id.to_string())
        .replace("~/namesrv/", "./");
    let output = Command::new("sh").args(["-c", &script]).arg(target.binary()).current_dir(folder).output();
    let output = output.expect("a shell");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Before, replace, look and back again: each command of the page does what the page says.
pub(super) fn the_page_is_followed_step_by_step(target: &Target) {
    let folder = Folder::new(&[("orderMessageEnable", "true"), ("serverWorkerThreads", "8")]);
    let file = folder.path(CONFIG);
    let path = file.parent().expect("a folder").to_owned();
    fs::write(folder.path(KV_FILE), JAVA_KV).expect("a file");
    let before = fs::read(&file).expect("a file");

    let steps = commands("Before");
    let [copy_file, copy_kv, print_items] = &*steps else { panic!("{steps:?}") };
    run(target, &path, copy_file, 0);
    run(target, &path, copy_kv, 0);
    let items = run(target, &path, print_items, 0).stdout;
    assert!(String::from_utf8_lossy(&items).contains("\norderMessageEnable=true\n"));

    assert_eq!(commands("Replace\n"), ["namesrv-mio -c FILE"], "as a folder starts a server");
    let mut server = folder.start(target.binary());
    let mut peer = Peer::connect(&server);
    assert_eq!(peer.ask(&get("ORDER_TOPIC_CONFIG", "Orders")).code, 0);
    let listing = peer.ask(&Request::new(319)).text();
    assert!(listing.contains("\norderMessageEnable=true\n"), "{listing}");
    assert_eq!(peer.ask(&put("ORDER_TOPIC_CONFIG", "Orders", "broker-a:8")).code, 0);
    assert_eq!(peer.ask(&Request::new(318).body("orderMessageEnable=false")).code, 0);
    assert_eq!(fs::read(&file).expect("a file"), before, "ours never writes it");

    let steps = commands("Back again");
    let [stop, show_changes] = &*steps else { panic!("{steps:?}") };
    run(target, &path, stop, server.id());
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    let changes = run(target, &path, show_changes, 0).stdout;
    assert!(String::from_utf8_lossy(&changes).ends_with("\norderMessageEnable=false\n"));
    let kv = fs::read_to_string(server.folder().path(KV_FILE)).expect("a file");
    assert_eq!(kv, JAVA_KV.replace("broker-a:4", "broker-a:8"));
    assert_eq!(fs::read_to_string(path.join("kvConfig.json.java")).expect("a file"), JAVA_KV);
}

/// What moves the home of the Java server moves that of ours; a file says what it always said.
pub(super) fn the_environment_of_the_java_server_counts(target: &Target) {
    for variable in ["JAVA_OPT", "JAVA_OPT_EXT", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"] {
        let folder = Folder::new(&[("serverWorkerThreads", "8")]);
        let config = fs::read_to_string(folder.path(CONFIG)).expect("a file");
        let without_path: Vec<_> = config.lines().filter(|line| !line.starts_with("kvConfigPath")).collect();
        fs::write(folder.path(CONFIG), without_path.join("\n")).expect("a file");
        fs::create_dir_all(folder.path("home/namesrv")).expect("a folder");
        fs::write(folder.path("home/namesrv/kvConfig.json"), JAVA_KV).expect("a file");
        let home = folder.path("home").display().to_string();
        let words = [
            "env".to_owned(),
            format!("{variable}=-Xms4g -Xmx4g -Duser.home={home} -Drocketmq.home.dir=/opt/rocketmq"),
        ];
        let server = folder.with_wrapper(&words).start(target.binary());
        let mut peer = Peer::connect(&server);
        assert_eq!(peer.ask(&get("ORDER_TOPIC_CONFIG", "Orders")).code, 0, "{variable}");
        assert!(peer.ask(&Request::new(319)).text().contains("\nrocketmqHome=/opt/rocketmq\n"), "{variable}");
        let log = server.log_of_start();
        assert!(log.contains(&format!("{variable} sets rocketmq.home.dir, user.home")), "{log}");
    }
}
