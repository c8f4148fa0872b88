//! The Grafana board. That its metrics exist is checked by the conformance suite, beside a server.

// A panic is how a test fails.
#![allow(clippy::panic, clippy::unwrap_used)]

use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;

const BOARD: &str = include_str!("../../docs/monitoring/board.json");

fn board() -> Value {
    serde_json::from_str(BOARD).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    let text = value[name].as_str().filter(|text| !text.is_empty());
    text.unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// The panels that show something.
fn charts(board: &Value) -> impl Iterator<Item = &Value> {
    list(board, "panels").iter().filter(|panel| panel["type"] != "row")
}

#[test]
fn every_panel_has_an_identifier_and_a_title_of_its_own() {
    let board = board();
    let panels = list(&board, "panels");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let titles: BTreeSet<_> = panels.iter().map(|panel| (text(panel, "type"), text(panel, "title"))).collect();
    assert_eq!(titles.len(), panels.len());
    let rows: Vec<_> = panels.iter().filter(|panel| panel["type"] == "row").map(|row| text(row, "title")).collect();
    assert_eq!(
        rows,
        ["Up and ready", "Queries", "Latency", "Registrations", "Brokers", "Evictions", "Memory", "Limits"]
    );
}

#[test]
fn panels_lie_side_by_side() {
    let board = board();
    let mut taken = BTreeSet::new();
    for panel in list(&board, "panels") {
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(w > 0 && h > 0 && x + w <= 24, "{}", panel["title"]);
        let cells = (y..y + h).flat_map(|row| (x..x + w).map(move |column| (row, column)));
        assert!(cells.into_iter().all(|cell| taken.insert(cell)), "{} covers another panel", panel["title"]);
    }
}

#[test]
fn every_chart_has_a_unit_and_named_expressions() {
    let board = board();
    for panel in charts(&board) {
        text(&panel["fieldConfig"]["defaults"], "unit");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        let targets = list(panel, "targets");
        let names: BTreeSet<_> = targets.iter().map(|target| text(target, "refId")).collect();
        assert!(!targets.is_empty() && names.len() == targets.len(), "{}", panel["title"]);
        for target in targets {
            text(target, "legendFormat");
            // Several servers may be looked at, under any name.
            let expression = text(target, "expr");
            let selectors = expression.matches('{').count();
            assert!(selectors > 0, "{expression}");
            assert_eq!(expression.matches(r#"{job=~"$job", instance=~"$instance""#).count(), selectors, "{expression}");
        }
    }
}

#[test]
fn every_variable_is_used_and_every_used_one_is_there() {
    let board = board();
    let known: BTreeSet<_> = list(&board["templating"], "list").iter().map(|variable| text(variable, "name")).collect();
    let variable = Regex::new(r"\$\{?([a-z_]+)").unwrap();
    let panels = board["panels"].to_string();
    let used: BTreeSet<_> = variable.captures_iter(&panels).map(|found| found.extract::<1>().1[0]).collect();
    let of_grafana = BTreeSet::from(["__rate_interval"]);
    assert_eq!(used.difference(&of_grafana).copied().collect::<BTreeSet<_>>(), known);
}
