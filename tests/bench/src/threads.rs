//! Two I/O threads beside one, and beside two processes, which share nothing that a query needs.

use crate::contender::Contender;
use crate::host::{Pinning, Terms};
use crate::subject::{Observation, Subject};
use crate::workload::{SMALL, Workload};
use anyhow::Result;

/// One thread, two threads, and two processes with one thread each.
pub const SETUPS: [Setup; 3] = [
    Setup { processes: 1, io_threads: 1 },
    Setup { processes: 1, io_threads: 2 },
    Setup { processes: 2, io_threads: 1 },
];
/// Number of processors of a server.
const PROCESSORS: usize = 2;
/// Connections and depth of each load.
pub const SHAPES: [(usize, usize); 2] = [(50, 1), (50, 16)];

/// The processes of a server, and the I/O threads of each.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    processes: usize,
    io_threads: usize,
}

impl Setup {
    /// Returns the title that reports show.
    pub fn title(self) -> String {
        format!("{} process(es) with {} I/O thread(s)", self.processes, self.io_threads)
    }

    /// Returns the name of the samples.
    pub fn name(self, (connections, depth): (usize, usize)) -> String {
        format!("processes-{}-threads-{}-{connections}x{depth}", self.processes, self.io_threads)
    }
}

/// Whether there is a processor for each of the two threads and for the load generator.
pub fn has_room(processors: &[usize]) -> bool {
    processors.len() > PROCESSORS
}

/// Keeps the processor of the load generator, and gives the server two others, or all if there are only two.
pub fn pinning(processors: &[usize], pinning: Option<&Pinning>) -> Option<Pinning> {
    let load = pinning?.load.clone();
    let free = processors.iter().filter(|processor| !has_room(processors) || !load.contains(processor));
    Some(Pinning { server: free.copied().take(PROCESSORS).collect(), load })
}

/// Runs route queries on a server.
///
/// # Errors
/// The server does not start, or gives a wrong answer.
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
