//! Suites of named cases that a binary passes or not: how they are selected and run, and the column of the matrix that
//! a run fills.

use crate::admin_port::{ADMIN, address};
use crate::matrix::{Column, Outcome};
use crate::process::{Folder, Process};
use crate::tls::Version;
use libtest_mimic::{Arguments, Failed, Trial};
use std::any::Any;
use std::io::Write;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// Which cases a runtime runs, unless the command line asks for all of them (`--include-ignored`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cases {
    /// Every case.
    Every,
    /// Those that a runtime can fail by itself. The others test code that is the same in every binary.
    OfRuntime,
}

/// Cases under one name.
pub(crate) struct Suite {
    /// Also names the folder of its columns and the variable of its scale.
    pub(crate) name: &'static str,
    /// Subjects that a runtime can fail by itself.
    pub(crate) of_runtime: &'static [&'static str],
    /// Cases at one time, unless the command line says otherwise.
    pub(crate) threads: usize,
    pub(crate) cases: Vec<Case>,
}

/// One case: what it is called, and what panics when the binary does not pass.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) run: Box<dyn Fn(&Target) + Send + Sync>,
}

impl Case {
    fn is_about(&self, subject: &str) -> bool {
        self.name.split_once("::").is_some_and(|(name, _)| name == subject)
    }

    /// The same case over TLS.
    pub(crate) fn over(self, version: Version) -> Self {
        let Self { name, run } = self;
        let run = Box::new(move |target: &Target| run(&Target { tls: Some(version), ..target.clone() }));
        Self { name: format!("{name}_over_{version}"), run }
    }
}

/// Cases that are functions of the modules beside the table, named after both.
macro_rules! cases {
    ($($subject:ident: $($case:ident),+;)+) => {
        vec![$($($crate::suite::Case {
            name: concat!(stringify!($subject), "::", stringify!($case)).to_owned(),
            run: Box::new($subject::$case),
        }),+),+]
    };
}
pub(crate) use cases;

impl Suite {
    /// Runs what the command line selects of the `chosen` cases. Where `refusal` has a reason, every case is reported
    /// as ignored instead.
    pub(crate) fn run(self, binary: &str, chosen: Cases, refusal: Option<String>) -> ExitCode {
        let binary = PathBuf::from(binary);
        let name = binary.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let column = Arc::new(Mutex::new(Column::new(&name)));
        let scale = std::env::var(format!("{}_SCALE", self.name.to_uppercase()));
        let is_full = scale.is_ok_and(|scale| scale == "full");
        let target = Arc::new(Target { tls: None, binary, column: Arc::clone(&column), is_full });
        let mut arguments = Arguments::from_args();
        arguments.test_threads.get_or_insert(self.threads);
        if !arguments.list {
            // What a run before left must not be taken for the result of this one.
            save(&column, self.name);
        }
        let is_of_runtime = |case: &Case| self.of_runtime.iter().any(|subject| case.is_about(subject));
        let trial = |case: Case| {
            let is_ignored = chosen == Cases::OfRuntime && !is_of_runtime(&case);
            trial(case, &target, refusal.as_deref()).with_ignored_flag(is_ignored || refusal.is_some())
        };
        let trials = self.cases.into_iter().map(trial).collect();
        let conclusion = libtest_mimic::run(&arguments, trials);
        if !arguments.list {
            if let Some(reason) = refusal {
                say(&format!("{name}: every case is skipped: {reason}"));
            }
            save(&column, self.name);
        }
        conclusion.exit_code()
    }
}

fn save(column: &Mutex<Column>, suite: &str) {
    let column = column.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(error) = column.save(suite) {
        say(&format!("{}: the column of the matrix cannot be saved: {error}", column.name()));
    }
}

fn trial(Case { name, run }: Case, target: &Arc<Target>, refusal: Option<&str>) -> Trial {
    let target = Arc::clone(target);
    if let Some(reason) = refusal {
        target.record(&name, Outcome::Skipped(reason.to_owned()));
        return Trial::test(name, || Ok(()));
    }
    Trial::test(name.clone(), move || {
        let result = catch_unwind(AssertUnwindSafe(|| run(&target)));
        target.record(&name, if result.is_ok() { Outcome::Passed } else { Outcome::Failed });
        result.map_err(|fault| Failed::from(message(&*fault)))
    })
}

fn message(fault: &(dyn Any + Send)) -> String {
    let text = fault.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| fault.downcast_ref::<&str>().copied()).unwrap_or("it panics").to_owned()
}

/// The binary that is put to the test.
#[derive(Clone)]
pub(crate) struct Target {
    /// What connections speak; `None` is plain text.
    tls: Option<Version>,
    binary: PathBuf,
    column: Arc<Mutex<Column>>,
    is_full: bool,
}

impl Target {
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// What connections speak; `None` is plain text.
    pub(crate) const fn tls(&self) -> Option<Version> {
        self.tls
    }

    /// Starts a server with these entries in its configuration file.
    pub(crate) fn start(&self, properties: &[(&str, &str)]) -> Process {
        Folder::new(properties).start(&self.binary).over(self.tls)
    }

    /// The same with a second port, whose address it returns as well.
    pub(crate) fn start_with_admin(&self, properties: &[(&str, &str)]) -> (Process, SocketAddr) {
        let server = self.start(&[&[ADMIN], properties].concat());
        let address = address(&server);
        (server, address)
    }

    /// `size` when the suite runs at full size, else `small`.
    pub(crate) fn scaled(&self, small: usize, size: usize) -> usize {
        if self.is_full { size } else { small }
    }

    /// Reports a number that is measured and not judged.
    pub(crate) fn figure(&self, name: &str, value: &str) {
        let mut column = self.column.lock().unwrap_or_else(PoisonError::into_inner);
        say(&format!("{}: {name}: {value}", column.name()));
        column.set_figure(name, value);
    }

    fn record(&self, case: &str, outcome: Outcome) {
        self.column.lock().unwrap_or_else(PoisonError::into_inner).set_outcome(case, outcome);
    }
}

/// Prints a line; nobody may be reading.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
