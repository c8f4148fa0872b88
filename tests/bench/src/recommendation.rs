//! Which runtime to choose on this host, and why.

use crate::contender::Contender;
use crate::results::{Figure, Results};

/// Servers that differ by less are equally fast: then the one that comes first, and so runs everywhere, is chosen.
const DIFFERENCE_MIN: f64 = 0.05;

/// The recommendation in one sentence, and its reasons.
#[must_use]
pub fn recommend(results: &Results) -> (String, Vec<String>) {
    let candidates: Vec<(&Contender, f64)> = results
        .contenders
        .iter()
        .filter(|contender| contender.is_ours())
        .filter_map(|contender| Some((contender, cost(results, contender)?)))
        .collect();
    let Some((_, best)) = candidates.iter().min_by(|one, other| one.1.total_cmp(&other.1)) else {
        return (
            "Nothing can be recommended: no server of this repository was measured in full.".to_owned(),
            Vec::new(),
        );
    };
    let margin = best * (1.0 + DIFFERENCE_MIN.max(noise(results)));
    let Some((chosen, chosen_cost)) = candidates.iter().find(|(_, cost)| *cost <= margin) else {
        return (String::new(), Vec::new());
    };
    let mut reasons = vec![match candidates.len() {
        1 => format!("`{}` is the only runtime that was measured.", chosen.name),
        _ => format!(
            "Processor time for a query, over all loads (geometric mean): {}.",
            candidates
                .iter()
                .map(|(one, cost)| format!("`{}` {:.2}×", one.name, cost / chosen_cost))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }];
    let equal: Vec<String> = candidates
        .iter()
        .filter(|(one, cost)| one.name != chosen.name && *cost <= margin)
        .map(|(one, _)| format!("`{}`", one.name))
        .collect();
    if !equal.is_empty() {
        reasons.push(format!(
            "{} cannot be told apart from it here; it is chosen because it needs least of the host.",
            equal.join(" and ")
        ));
    }
    let others = results.contenders.iter().filter(|one| !one.is_ours() && !one.is_echo());
    for (other, cost) in others.filter_map(|other| Some((other, cost(results, other)?))) {
        reasons.push(format!(
            "`{}` needs {:.1} times the processor time of `{}`.",
            other.name,
            cost / chosen_cost,
            chosen.name
        ));
    }
    reasons.push(
        "What would change it: another kernel, a host where io_uring is refused, many more connections, or figures that differ by \
         less than the noise above. Run it again there; ratios within one run count, not seconds of different runs."
            .to_owned(),
    );
    (format!("On this host, run `{}`.", chosen.name), reasons)
}

/// Geometric mean of the processor time over all closed loads; absent when one is missing.
fn cost(results: &Results, contender: &Contender) -> Option<f64> {
    let closed = results.workloads.iter().filter(|workload| workload.is_closed());
    let logarithms = closed
        .map(|workload| Some(results.summary(&contender.name, &workload.name, Figure::CpuPer100k)?.median.ln()))
        .collect::<Option<Vec<f64>>>()?;
    (!logarithms.is_empty()).then(|| (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp())
}

/// The median spread of our servers, as far as medians over many loads still show it.
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

    /// Results with one more server of ours that needs so many times the processor time.
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
    fn equal_ones_are_told_and_the_first_is_chosen() {
        let (short, reasons) = recommend(&with_another(0.98));
        assert!(short.contains("namesrv-mio"));
        assert!(reasons.iter().any(|reason| reason.contains("`namesrv-other` cannot be told apart")));
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
