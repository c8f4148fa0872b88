//! Which server to run on this host, and why.

use crate::connections::{idle_name, stages};
use crate::contender::Contender;
use crate::figure::Figure;
use crate::report::digits;
use crate::results::Results;
use crate::start::START;
use crate::workload::Workload;

/// Servers that differ by less are equally fast. Then the first one is recommended: it runs on every kernel.
const DIFFERENCE_MIN: f64 = 0.05;

/// Returns the server to run, and the reasons.
pub fn recommend(results: &Results) -> (String, Vec<String>) {
    let candidates: Vec<(&Contender, f64)> = results
        .contenders
        .iter()
        .filter(|contender| contender.is_ours())
        .filter_map(|contender| Some((contender, cost(results, contender)?)))
        .collect();
    let best = candidates.iter().map(|(_, cost)| *cost).reduce(f64::min).unwrap_or_default();
    let margin = best * (1.0 + DIFFERENCE_MIN.max(noise(results)));
    let Some((chosen, chosen_cost)) = candidates.iter().find(|(_, cost)| *cost <= margin) else {
        return ("No recommendation: no server of this repository was measured in full.".to_owned(), Vec::new());
    };
    let own = candidates.iter().filter(|(one, _)| one.name != chosen.name).map(|(one, cost)| {
        let factor = cost / chosen_cost;
        match *cost <= margin {
            true => format!("`{}` needs {factor:.2} times as much, which is within the noise", one.name),
            false => format!("`{}` needs {factor:.2} times as much", one.name),
        }
    });
    let others = results.contenders.iter().filter(|one| !one.is_ours() && !one.is_echo()).filter_map(|other| {
        let cost = cost_where_measured(results, other, chosen)?;
        Some(format!("`{}` needs {cost:.1} times as much", other.name))
    });
    let figure = |name: &str, figure| results.summary(&chosen.name, name, figure).map(|summary| digits(summary.median));
    let stage = stages(results.options.quick, results.host.open_files).last().copied().unwrap_or_default();
    let small = [
        figure(START, Figure::StartMillis).map(|millis| format!("it listens {millis} ms after its start")),
        figure(START, Figure::IdleResident).map(|memory| format!("takes {memory} MiB of memory")),
        figure(&idle_name(stage), Figure::ConnectionKib).map(|kib| format!("and {kib} KiB for each idle connection")),
    ];
    let reasons = [
        reason("Least processor time for a query, over all loads", own),
        reason("Far less than other servers", others),
        reason("Small", small.into_iter().flatten()),
    ];
    (format!("Run `{}`.", chosen.name), reasons.into_iter().flatten().collect())
}

/// Joins the parts of a reason to a sentence, if there are any.
fn reason(title: &str, parts: impl Iterator<Item = String>) -> Option<String> {
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| format!("{title}: {}.", parts.join(", ")))
}

/// Returns how much processor time this server needs relative to another: the geometric mean over the loads that both
/// finished.
fn cost_where_measured(results: &Results, contender: &Contender, other: &Contender) -> Option<f64> {
    let closed = results.workloads.iter().filter(|workload| workload.is_closed());
    let ratio = |workload: &Workload| results.ratio(&contender.name, &other.name, &workload.name, Figure::CpuPer100k);
    mean(&closed.filter_map(ratio).map(|ratio| ratio.median).collect::<Vec<f64>>())
}

/// Returns the geometric mean of the processor time over all closed loads. `None` if one is missing.
fn cost(results: &Results, contender: &Contender) -> Option<f64> {
    let closed = results.workloads.iter().filter(|workload| workload.is_closed());
    let figure = |load: &Workload| Some(results.summary(&contender.name, &load.name, Figure::CpuPer100k)?.median);
    mean(&closed.map(figure).collect::<Option<Vec<f64>>>()?)
}

/// Returns the geometric mean. `None` if there are no values.
fn mean(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().map(|value| value.ln()).sum();
    (!values.is_empty()).then(|| (sum / values.len() as f64).exp())
}

/// Returns the median spread of our servers, reduced as in a mean over many loads.
fn noise(results: &Results) -> f64 {
    let ours = results.contenders.iter().filter(|contender| contender.is_ours());
    let mut spreads: Vec<f64> = ours
        .flat_map(|contender| {
            results.workloads.iter().filter_map(|workload| {
                Some(results.summary(&contender.name, &workload.name, Figure::CpuPer100k)?.spread())
            })
        })
        .collect();
    spreads.sort_by(f64::total_cmp);
    let median = spreads.get(spreads.len() / 2).copied().unwrap_or_default();
    median / (results.options.repetitions as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::Kind;
    use crate::results::tests::results;
    use std::path::PathBuf;

    /// Results with another server of ours that needs `factor` times the processor time.
    fn with_another(factor: f64) -> Results {
        let mut results = results();
        results.contenders.push(Contender::new("namesrv-other".to_owned(), Kind::Ours, PathBuf::new()));
        let mut more: Vec<_> =
            results.samples.iter().filter(|sample| sample.contender == "namesrv-mio").cloned().collect();
        for sample in &mut more {
            sample.contender = "namesrv-other".to_owned();
            *sample.figures.get_mut(&Figure::CpuPer100k).unwrap() *= factor;
        }
        results.samples.extend(more);
        results
    }

    #[test]
    fn clearly_faster_one_is_chosen() {
        assert!(recommend(&with_another(0.8)).0.contains("namesrv-other"));
        assert!(recommend(&with_another(1.3)).0.contains("namesrv-mio"));
    }

    #[test]
    fn of_equal_ones_the_first_is_chosen() {
        let (short, reasons) = recommend(&with_another(0.98));
        assert!(short.contains("namesrv-mio") && reasons[0].contains("0.98 times as much, which is within the noise"));
        assert!(reasons[1].contains("`java-5.5.0` needs 7.3 times as much"), "{reasons:?}");
    }

    #[test]
    fn one_that_did_not_finish_is_not_chosen() {
        let mut results = with_another(0.5);
        results
            .samples
            .retain(|sample| sample.contender != "namesrv-other" || sample.workload != results.workloads[0].name);
        assert!(recommend(&results).0.contains("namesrv-mio"));
    }
}
