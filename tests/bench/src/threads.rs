//! Two I/O threads beside one, and beside two processes, which surely share nothing on the way of a query.

use crate::contender::Contender;
use crate::host::{Pinning, Terms};
use crate::subject::{Observation, Subject};
use crate::workload::{SMALL, Workload};
use anyhow::Result;

/// What is compared: one thread, two of them, and two processes with one each.
pub const SETUPS: [Setup; 3] = [
    Setup { processes: 1, io_threads: 1 },
    Setup { processes: 1, io_threads: 2 },
    Setup { processes: 2, io_threads: 1 },
];
/// Processors that a server gets.
const PROCESSORS: usize = 2;
/// Connections and the depth of the loads.
pub const SHAPES: [(usize, usize); 2] = [(50, 1), (50, 16)];

/// How often a server runs, and with how many I/O threads.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    processes: usize,
    io_threads: usize,
}

impl Setup {
    /// For people.
    pub fn title(self) -> String {
        format!("{} process(es) with {} I/O thread(s)", self.processes, self.io_threads)
    }

    /// Name of the samples.
    pub fn name(self, (connections, depth): (usize, usize)) -> String {
        format!("processes-{}-threads-{}-{connections}x{depth}", self.processes, self.io_threads)
    }
}

/// Whether both threads and the load generator have a processor each.
pub fn has_room(processors: &[usize]) -> bool {
    processors.len() > PROCESSORS
}

/// The load generator stays where it is; the server gets two of the other processors, or all when there are only two.
pub fn pinning(processors: &[usize], pinning: Option<&Pinning>) -> Option<Pinning> {
    let load = pinning?.load.clone();
    let free = processors.iter().filter(|processor| !has_room(processors) || !load.contains(processor));
    Some(Pinning { server: free.copied().take(PROCESSORS).collect(), load })
}

/// Runs route queries on a server.
///
/// # Errors
/// The server does not come up, or answers wrongly.
pub fn queries(contender: &Contender, setup: Setup, terms: Terms<'_>) -> Result<Vec<(String, Observation)>> {
    let Setup { processes, io_threads } = setup;
    let contender = Contender { io_threads, processes, ..contender.clone() };
    let mut subject = Subject::prepare(&contender, SMALL, 0, terms)?;
    if let Some(pinning) = terms.pinning
        && io_threads > 1
    {
        subject.server().spread_io_threads(&pinning.server)?;
    }
    let mut observations = Vec::new();
    for shape in SHAPES {
        let workload = Workload::closed(SMALL, shape.0, shape.1);
        let mut load = subject.connect(&workload)?;
        subject.run(&mut load, &workload, terms.run / 4)?;
        observations.push((setup.name(shape), subject.run(&mut load, &workload, terms.run)?));
    }
    Ok(observations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_get_processors_of_their_own_where_there_are_enough() {
        let chosen = Pinning::choose(&[0, 1, 2, 3], None, None);
        assert_eq!(pinning(&[0, 1, 2, 3], chosen.as_ref()).unwrap().server, [0, 2]);
        let chosen = Pinning::choose(&[0, 1], None, None);
        assert_eq!(pinning(&[0, 1], chosen.as_ref()).unwrap().server, [0, 1]);
        assert!(pinning(&[0], None).is_none() && !has_room(&[0, 1]));
    }
}
