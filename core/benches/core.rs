//! Instructions and time of the server's most frequent operations, one line for each case.
//!
//! `cargo bench -p namesrv-core` runs every case under valgrind's callgrind (with a note if it is not installed) and
//! directly on the machine. Instructions per operation are the difference between a run of 2n and a run of n
//! operations, divided by n, so start-up does not count. `--save` writes the counts to `core/benches/baseline.txt`,
//! with the compiler that they belong to. `--check` compares with that file, and fails if a count differs by more than
//! 3 %. A lower count fails too: if the baseline kept the old count, it would hide a later loss of the gain.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, clippy::panic, missing_docs)]

mod world;

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::time::Instant;
use std::{iter, thread};
use world::{Connection, World, register, route_query};

/// A case: its name, the operations of a run, and the preparation that returns the operation.
type Case = (&'static str, u32, fn() -> Box<dyn FnMut()>);

const CASES: &[Case] = &[
    ("route query, 1 broker, pipelined by 16, per query", 2_000, || query(1, 100, 16)),
    ("route query, 16 brokers, pipelined by 16, per query", 2_000, || query(16, 100, 16)),
    ("route query, 300 brokers, per query", 200, || query(300, 10, 1)),
    ("route query, unknown topic, per query", 2_000, || unknown_topic()),
    ("decode of a route query header", 20_000, || header_decode()),
    ("check of the signature of a change", 2_000, || signature_check()),
    ("registration, 1,000 topics, unchanged", 100, || registration(1_000, Change::Nothing)),
    ("registration, 1,000 topics, one changed", 20, || registration(1_000, Change::One)),
    ("registration, 1,000 topics, all changed", 20, || registration(1_000, Change::All)),
    ("registration, 10,000 topics, unchanged", 20, || registration(10_000, Change::Nothing)),
    ("registration, 10,000 topics, all changed", 4, || registration(10_000, Change::All)),
    ("publish of one changed topic among 1,000", 50, || publish(1_000)),
    ("publish of one changed topic among 100,000", 50, || publish(100_000)),
];

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/baseline.txt");
/// How much a count may differ from the baseline, as a fraction of it.
const TOLERANCE: f64 = 0.03;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name, operations] = &arguments[..]
        && flag == "--run"
    {
        let (_, _, prepare) = CASES.iter().find(|(known, _, _)| known == name).unwrap();
        let mut operation = prepare();
        (0..operations.parse::<u32>().unwrap()).for_each(|_| operation());
        // Freeing everything is not part of an operation.
        std::process::exit(0);
    }
    let has_flag = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let filter = arguments.iter().find(|argument| !argument.starts_with("--"));
    let chosen = |name: &str| filter.is_none_or(|filter| name.contains(&**filter));
    if has_flag("--check") {
        return check(&chosen);
    }
    let counts = count(&chosen);
    println!("{:<56} {:>14} {:>12}", "case", "instructions", "time");
    for (name, operations, prepare) in CASES.iter().filter(|(name, _, _)| chosen(name)) {
        let shown = counts.get(name).map_or("no valgrind".to_owned(), |count| format!("{count:.0}"));
        println!("{name:<56} {shown:>14} {:>12}", time(*operations, prepare));
    }
    if has_flag("--save") {
        let lines: String = counts.iter().map(|(name, count)| format!("{count:.0}\t{name}\n")).collect();
        std::fs::write(BASELINE, format!("{}\n{lines}", compiler())).unwrap();
    }
    ExitCode::SUCCESS
}

fn check(chosen: &dyn Fn(&str) -> bool) -> ExitCode {
    let baseline = std::fs::read_to_string(BASELINE).unwrap();
    let (made_with, lines) = baseline.split_once('\n').unwrap();
    if made_with != compiler() {
        println!("not compared: the baseline was made with {made_with}, this is {}", compiler());
        return ExitCode::SUCCESS;
    }
    let before: BTreeMap<&str, f64> = lines
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(count, name)| (name, count.parse().unwrap()))
        .collect();
    let counts = count(chosen);
    if counts.is_empty() {
        println!("not compared: there is no valgrind");
        return ExitCode::SUCCESS;
    }
    let names = CASES.iter().map(|(name, _, _)| *name).filter(|name| chosen(name));
    let complaints: Vec<String> = names.filter_map(|name| complaint(name, &counts, &before)).collect();
    complaints.iter().for_each(|complaint| eprintln!("{complaint}"));
    println!("{} counted, {} differ from the baseline", counts.len(), complaints.len());
    if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns what is wrong with a count, if anything.
fn complaint(name: &str, counts: &BTreeMap<&str, f64>, before: &BTreeMap<&str, f64>) -> Option<String> {
    let (Some(now), Some(before)) = (counts.get(name), before.get(name)) else {
        return Some(format!("{name}: not counted, or not in the baseline"));
    };
    let difference = now / before - 1.0;
    let advice = if difference < 0.0 { ": save the gain (--save)" } else { "" };
    (difference.abs() > TOLERANCE).then(|| {
        let percent = 100.0 * difference;
        format!("{name}: {now:.0} instructions, {before:.0} in the baseline ({percent:+.1} %){advice}")
    })
}

/// Returns the compiler and its target machine: counts of others differ.
fn compiler() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    format!("{} for {host}", text.lines().next().unwrap_or_default())
}

/// Returns the instructions per operation of each case, or nothing without valgrind.
fn count(chosen: &dyn Fn(&str) -> bool) -> BTreeMap<&'static str, f64> {
    let waiting = Mutex::new(CASES.iter().filter(|(name, _, _)| chosen(name)).collect::<Vec<_>>());
    let next = || waiting.lock().unwrap().pop();
    let work =
        || iter::from_fn(next).filter_map(|(name, operations, _)| Some((*name, instructions(name, *operations)?)));
    thread::scope(|scope| {
        let parallel = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..parallel).map(|_| scope.spawn(|| work().collect::<Vec<_>>())).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

/// Returns the instructions per operation, or `None` without valgrind.
fn instructions(name: &str, operations: u32) -> Option<f64> {
    let of = |operations: u32| -> Option<f64> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().ok()?)
            .args(["--run", name, &operations.to_string()])
            .output()
            .ok()?;
        let report = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = report.lines().find(|line| line.contains("Collected"))?;
        line.rsplit(' ').next()?.parse().ok()
    };
    Some((of(2 * operations)? - of(operations)?) / f64::from(operations))
}

fn time(operations: u32, prepare: &fn() -> Box<dyn FnMut()>) -> String {
    let mut operation = prepare();
    let run = |operation: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..operations).for_each(|_| operation());
        start.elapsed() / operations
    };
    let best = (0..9).map(|_| run(&mut operation)).min().unwrap();
    format!("{best:.1?}")
}

/// Sends `depth` queries at a time. All answers of a batch fit into what a connection writes before it pauses.
fn query(brokers: usize, topics: usize, depth: usize) -> Box<dyn FnMut()> {
    let mut world = World::new();
    for broker in 0..brokers {
        let (name, address) = (format!("broker-{broker:03}"), format!("10.0.{broker}.1:10911"));
        world.forward(&register(&name, &address, 1, topics, |_| 8));
    }
    let requests: Vec<u8> = (0..depth as i32).flat_map(|opaque| route_query("topic-00007", opaque)).collect();
    let mut connection = Connection::new(&world);
    let mut answered = 0;
    Box::new(move || {
        // One operation is one query, so only some calls run a batch.
        answered += 1;
        if answered % depth == 0 {
            assert!(connection.ask(&requests) > depth * brokers * 100);
        }
    })
}

fn unknown_topic() -> Box<dyn FnMut()> {
    let world = World::new();
    let request = route_query("nobody knows me", 7);
    let mut connection = Connection::new(&world);
    Box::new(move || assert!(connection.ask(&request) > 100))
}

fn header_decode() -> Box<dyn FnMut()> {
    use namesrv_core::config::Limits;
    use namesrv_core::wire::{Framing, Request, next_frame};
    let limits = Limits::default();
    let bytes = route_query("topic-00007", 7);
    Box::new(move || {
        let Ok(Framing::Complete { frame, .. }) = next_frame(std::hint::black_box(&bytes), &limits) else { panic!() };
        let request = Request::decode(frame, &limits).unwrap();
        assert_eq!(std::hint::black_box(request.code), 105);
    })
}

/// The additional cost of a change if administrators sign: a KV entry as mqadmin sends it.
fn signature_check() -> Box<dyn FnMut()> {
    use namesrv_core::access::{Content, Signed};
    use namesrv_core::config::Limits;
    use namesrv_core::credentials::Secret;
    use namesrv_core::wire::{Framing, Request, next_frame};
    let limits = Limits::default();
    let (secret, bytes) = (Secret::new("admin secret 7"), world::signed_change());
    Box::new(move || {
        let Ok(Framing::Complete { frame, .. }) = next_frame(std::hint::black_box(&bytes), &limits) else { panic!() };
        let request = Request::decode(frame, &limits).unwrap();
        assert!(Signed::new(&request).unwrap().matches(&secret, Content::All));
    })
}

#[derive(Clone, Copy)]
enum Change {
    Nothing,
    One,
    All,
}

fn registration(topics: usize, change: Change) -> Box<dyn FnMut()> {
    let mut world = World::new();
    let frame = |version: i64, round: i32| {
        let queues = move |topic: usize| match change {
            Change::Nothing => 8,
            Change::One => 8 + if topic == 5 { round } else { 0 },
            Change::All => 8 + round,
        };
        register("broker-a", "10.0.0.1:10911", version, topics, queues)
    };
    let frames = match change {
        Change::Nothing => vec![frame(1, 0), world::repeated(&frame(1, 0))],
        Change::One | Change::All => vec![frame(1, 0), frame(2, 1)],
    };
    world.forward(&frames[0]);
    let mut round = 0;
    Box::new(move || {
        round += 1;
        world.forward(&frames[round % 2]);
    })
}

fn publish(topics: usize) -> Box<dyn FnMut()> {
    let mut world = World::new();
    world.forward(&register("broker-a", "10.0.0.1:10911", 1, topics, |_| 8));
    let one = |version: i64| register("broker-a", "10.0.0.1:10911", version, 1, move |_| version as i32);
    let frames = [one(2), one(3)];
    let mut round = 0;
    Box::new(move || {
        round += 1;
        world.forward(&frames[round % 2]);
    })
}
