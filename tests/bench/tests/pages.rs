//! The pages in `docs/comparison` are those that the data file beside them makes.

// A panic is how a test fails.
#![allow(clippy::unwrap_used)]

use namesrv_bench::html::html;
use namesrv_bench::markdown::markdown;
use namesrv_bench::picture::file;
use namesrv_bench::report::Report;
use std::fs;
use std::path::Path;

fn committed(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/comparison").join(name)).unwrap()
}

#[test]
fn committed_pages_show_the_committed_figures() {
    let figures = committed("figures.tsv");
    let report: Report = figures.parse().unwrap();
    let pages = [
        ("figures.tsv", report.to_tsv()),
        ("picture.svg", file(&report.points)),
        ("report.md", markdown(&report)),
        ("report.html", html(&report)),
    ];
    for (name, page) in pages {
        assert!(
            page == committed(name),
            "run: cargo run -p namesrv-bench -- report docs/comparison/figures.tsv --out docs/comparison"
        );
    }
}

#[test]
fn committed_picture_has_every_server_under_every_main_load() {
    let report: Report = committed("figures.tsv").parse().unwrap();
    let picture = committed("picture.svg");
    let servers = ["namesrv-mio", "namesrv-async-std", "namesrv-glommio", "java-5.5.0", "rocketmq-rust"];
    for load in ["1 × 1", "1 × 16", "50 × 1", "50 × 16"] {
        let found: Vec<_> = report.points.iter().filter(|point| point.load == load).map(|one| &one.server).collect();
        assert_eq!(found, servers, "{load}");
        assert!(picture.contains(&format!(">{load}<")));
    }
    assert!(servers.iter().all(|server| picture.matches(&format!(">{server}<")).count() == 4));
}
