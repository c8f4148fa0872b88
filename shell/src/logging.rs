//! The log: structured lines on standard error, written by a separate thread.
//!
//! A thread that logs never waits for standard error: a paused terminal or a pipe without a reader must not stop the
//! registry. If too many bytes wait, further lines are counted and dropped.

mod fields;

use crate::quota::SharedCounter;
use crate::threads;
use fields::TextFields;
use namesrv_core::key::Word;
use namesrv_core::quota::Counter;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber, warn};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, fmt, reload};

/// The target of the audit's lines.
pub(crate) const AUDIT_TARGET: &str = "audit";

/// The most bytes of lines that wait to be written.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long the end of the process waits for standard error.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(1);

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl Word for LogFormat {
    const NAMES: &'static [&'static str] = &["text", "json"];

    fn from_name(name: &str) -> Self {
        if name == "json" { Self::Json } else { Self::Text }
    }
}

/// The least important events that are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogLevel(LevelFilter);

impl Word for LogLevel {
    const NAMES: &'static [&'static str] = &["error", "warn", "info", "debug", "trace"];

    fn from_name(name: &str) -> Self {
        Self(name.parse().unwrap_or(LevelFilter::INFO))
    }
}

/// The running log.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Lines,
    level: LevelHandle,
}

/// Changes the level of the running log.
#[derive(Clone, Debug)]
pub(crate) struct LevelHandle(reload::Handle<LevelFilter, Registry>);

impl LevelHandle {
    pub(crate) fn set(&self, LogLevel(level): LogLevel) {
        // A second log in one process (in tests) has no effect.
        let _ = self.0.reload(level);
    }
}

#[derive(Clone, Debug)]
struct Lines {
    messages: Sender<Message>,
    backlog: Arc<Backlog>,
}

/// Counts lost lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct LostLines(Arc<Backlog>);

impl LostLines {
    /// Returns the count since the start.
    pub(crate) fn count(&self) -> usize {
        self.0.lost_lines.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
struct Backlog {
    bytes: SharedCounter,
    /// Since the start.
    lost_lines: AtomicUsize,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    /// The log answers once everything before this is written.
    Flush(Sender<()>),
}

impl Log {
    /// Starts the log of this process.
    ///
    /// # Errors
    /// The operating system cannot start a thread.
    /// The operating system gives no thread.
    pub(crate) fn start(format: LogFormat, level: LogLevel) -> io::Result<Self> {
        let (messages, receiver) = mpsc::channel();
        let lines = Lines { messages, backlog: Arc::default() };
        let backlog = Arc::clone(&lines.backlog);
        threads::named("log").spawn(move || write_lines(&receiver, &backlog, io::stderr()))?;

        let LogLevel(level) = level;
        let (filter, level) = reload::Layer::new(level);
        let filtered = tracing_subscriber::registry().with(filter);
        // A second log in one process (in tests) keeps the subscriber of the first.
        let _ = match format {
            LogFormat::Text => tracing::subscriber::set_global_default(filtered.with(text_layer(lines.clone()))),
            LogFormat::Json => tracing::subscriber::set_global_default(filtered.with(json_layer(lines.clone()))),
        };
        Ok(Self { lines, level: LevelHandle(level) })
    }

    /// Returns the handle that changes its level.
    pub(crate) fn level(&self) -> LevelHandle {
        self.level.clone()
    }

    /// Returns the counter of lost lines.
    pub(crate) fn lost_lines(&self) -> LostLines {
        LostLines(Arc::clone(&self.lines.backlog))
    }

    /// Waits until everything logged so far is written, but not for a reader that reads nothing.
    pub(crate) fn flush(&self) {
        let (done, written) = mpsc::channel();
        if self.lines.messages.send(Message::Flush(done)).is_ok() {
            let _ = written.recv_timeout(FLUSH_TIME_MAX);
        }
    }
}

fn text_layer<S: Subscriber + for<'a> LookupSpan<'a>>(lines: Lines) -> impl Layer<S> {
    let format = |target| fmt::format().with_ansi(false).with_target(target);
    let format = LineFormat { plain: format(false), audit: format(true) };
    fmt::layer().with_ansi(false).fmt_fields(TextFields).event_format(format).with_writer(move || lines.clone())
}

fn json_layer<S: Subscriber + for<'a> LookupSpan<'a>>(lines: Lines) -> impl Layer<S> {
    let format = |target| fmt::format().json().flatten_event(true).with_target(target);
    let format = LineFormat { plain: format(false), audit: format(true) };
    fmt::layer().fmt_fields(JsonFields::new()).event_format(format).with_writer(move || lines.clone())
}

/// The format of lines. Lines of the audit show their target, so that readers can tell them apart.
struct LineFormat<F> {
    plain: F,
    audit: F,
}

impl<S, N, F> FormatEvent<S, N> for LineFormat<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, writer: Writer<'_>, event: &Event<'_>) -> std::fmt::Result {
        let format = if event.metadata().target() == AUDIT_TARGET { &self.audit } else { &self.plain };
        format.format_event(context, writer, event)
    }
}

/// Each call writes one whole line.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.backlog.bytes.try_add(line.len(), WAITING_BYTES_MAX) {
            let _ = self.messages.send(Message::Line(line.to_vec()));
        } else {
            self.backlog.lost_lines.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_lines(messages: &Receiver<Message>, backlog: &Backlog, mut output: impl Write) {
    let mut told = 0;
    while let Ok(message) = messages.recv() {
        match message {
            Message::Line(line) => {
                // The reader may be gone; the server continues.
                let _ = output.write_all(&line);
                backlog.bytes.subtract(line.len());
                let lost = backlog.lost_lines.load(Ordering::Relaxed);
                let lines = lost - told;
                if lines > 0 {
                    told = lost;
                    warn!(lines, "log lines were lost: they are not read fast enough");
                }
            }
            Message::Flush(done) => drop(done.send(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_bound_are_dropped_and_counted() {
        let (messages, receiver) = mpsc::channel();
        let mut lines = Lines { messages, backlog: Arc::default() };
        let half = vec![b'x'; WAITING_BYTES_MAX / 2];
        for _ in 0..3 {
            lines.write_all(&half).unwrap();
        }
        assert_eq!(lines.backlog.lost_lines.load(Ordering::Relaxed), 1);
        let backlog = Arc::clone(&lines.backlog);
        drop(lines);
        let mut output = Vec::new();
        write_lines(&receiver, &backlog, &mut output);
        assert_eq!(output.len(), WAITING_BYTES_MAX);
        assert_eq!(LostLines(Arc::clone(&backlog)).count(), 1, "told, and still counted");
        assert_eq!(backlog.bytes.sum(), 0);
    }

    /// What is written of what a function logs.
    fn written(format: LogFormat, log: impl FnOnce()) -> String {
        let (messages, receiver) = mpsc::channel();
        let lines = Lines { messages, backlog: Arc::default() };
        let registry = tracing_subscriber::registry();
        match format {
            LogFormat::Text => tracing::subscriber::with_default(registry.with(text_layer(lines.clone())), log),
            LogFormat::Json => tracing::subscriber::with_default(registry.with(json_layer(lines.clone())), log),
        }
        let backlog = Arc::clone(&lines.backlog);
        drop(lines);
        let mut output = Vec::new();
        write_lines(&receiver, &backlog, &mut output);
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn values_of_several_words_are_quoted() {
        let (reason, peer, none) = (format_args!("it says \"a=b\""), format_args!("[::1]:9"), format_args!(""));
        let log = || warn!(%reason, %peer, %none, name = "a", topics = 2, is_new = true, "registration refused: why");
        let line = written(LogFormat::Text, log);
        let expected =
            r#"registration refused: why reason="it says \"a=b\"" peer=[::1]:9 none="" name="a" topics=2 is_new=true"#;
        assert!(line.trim_end().ends_with(expected), "{line}");
    }

    #[test]
    fn names_cannot_break_lines() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let log = || tracing::info!(topic = "a\nb\r\x1b[31m\u{2028}", "topic deleted");
            let text = written(format, log);
            let controls = text.trim_end_matches('\n').chars().filter(|character| character.is_control()).count();
            assert_eq!((text.lines().count(), controls), (1, 0), "{text:?}");
        }
    }
}
