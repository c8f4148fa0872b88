//! The composition root: reads the files, binds, starts every thread, and waits until all of them have ended.

use crate::address_families::AddressFamilies;
use crate::admin::{self, Admin, Parts};
use crate::audit::{AuditFile, AuditSink, AuditWriter};
use crate::build::Build;
use crate::clock::Clock;
use crate::console::print;
use crate::counters::Counters;
use crate::credit::Credit;
use crate::drain::Drain;
use crate::environment::Environment;
use crate::events::EventLog;
use crate::keys::ProcessSettings;
use crate::lifecycle::Lifecycle;
use crate::listen::Listen;
use crate::logging::{LevelHandle, Log, LogLevel, LostLines};
use crate::notifier::Notifier;
use crate::publisher::Publisher;
use crate::queue::QueueSender;
use crate::quota::SharedQuotas;
use crate::registry_thread::RegistryThread;
use crate::reload::{ReadAtStart, Reload};
use crate::resource_limit::{self, Resource};
use crate::saver::Saver;
use crate::server::{Inboxes, RegistryHandle, Server};
use crate::shutdown::Shutdown;
use crate::socket_activation::{PassedSocket, PassedSockets};
use crate::start_error::StartError;
use crate::start_files;
use crate::startup::Startup;
use crate::summary::Summary;
use crate::tls::{Tls, TlsSources};
use crate::transport::Policy;
use crate::users::{UsersFile, rules};
use crate::warm_start::{WarmStartSettings, Warmth};
use crate::{inspection, queue, signals, threads};
use arc_swap::ArcSwap;
use namesrv_core::access::AccessRules;
use namesrv_core::address_list::AddressList;
use namesrv_core::config::{Configuration, Warning};
use namesrv_core::initial_state::{InitialState, WarmStart};
use namesrv_core::key::Word;
use namesrv_core::kv::KvTable;
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::route::RouteView;
use namesrv_core::wire::Serialization;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tracing::{info, warn};

/// How much nicer the registry thread is than the I/O threads. When they use all processors, it gets a quarter of one.
const REGISTRY_NICENESS: i32 = 5;

/// Returns the lines of the configuration as the server would use it.
pub(crate) fn items(config_file: Option<&Path>) -> Result<String, StartError> {
    let startup = Startup::read(config_file, &Environment::of_process())?;
    let lines = startup.configuration.items().flat_map(|(key, value)| [key, "=", value, "\n"]);
    Ok(loaded_line(config_file) + &lines.collect::<String>())
}

/// Reads everything that the start reads, and prints its warnings. Binds and writes nothing.
pub(crate) fn check(config_file: Option<&Path>) -> Result<(), StartError> {
    let startup = Startup::read(config_file, &Environment::of_process())?;
    let settings = ProcessSettings::of(&startup.configuration);
    // No lines about what is good.
    let level = LogLevel::from_name("warn");
    let log = Log::start(settings.log_format, level).map_err(thread_failed)?;
    startup.warnings.iter().for_each(|Warning(line)| warn!("{line}"));
    let checked = check_settings(&startup.configuration, &settings);
    log.flush();
    checked.map_err(|error| error.located(&startup.configuration))
}

/// Checks in the order of the start.
fn check_settings(configuration: &Configuration, settings: &ProcessSettings) -> Result<(), StartError> {
    Tls::start(&TlsSources::of(configuration), &settings.bind_address)?;
    trusted_proxies(settings)?;
    let users = UsersFile::read(configuration)?;
    let (access, warnings) = rules(configuration, users.as_ref())?;
    admin::check(configuration)?;
    let (_, files) = start_files::read_kv_file(settings, &WarmStartSettings::of(configuration))?;
    start_files::check(&files, settings)?;
    warn_of_access(&access, &warnings, settings);
    Warmth::read(files.snapshot.as_ref(), configuration, Clock::start());
    Ok(())
}

/// Returns the line about a file that was read, as the Java server writes it.
fn loaded_line(config_file: Option<&Path>) -> String {
    config_file.map(|path| format!("load config properties file OK, {}\n", path.display())).unwrap_or_default()
}

/// Serves until the server is told to stop.
pub(crate) fn serve(
    build: Build,
    config_file: Option<&Path>,
    serve: fn(Server) -> io::Result<()>,
) -> Result<(), StartError> {
    end_with_any_thread();
    // Before there is another thread.
    let sockets = PassedSockets::take()?;
    let signals = signals::catch().map_err(system("cannot catch signals"))?;
    let startup = Startup::read(config_file, &Environment::of_process())?;
    // A server serves, whoever reads that.
    let _ = print(io::stdout(), &loaded_line(config_file));
    let ProcessSettings { log_format, log_level, .. } = ProcessSettings::of(&startup.configuration);
    let log = Log::start(log_format, log_level).map_err(thread_failed)?;
    log_configuration(build.runtime, &startup);
    // Each connection is an open file, and the usual soft limit is 1024.
    resource_limit::raise(Resource::RLIMIT_NOFILE);
    let operator = Operator {
        sockets,
        signals,
        config_file: config_file.map(Path::to_owned),
        level: log.level(),
        lost_lines: log.lost_lines(),
    };
    let result = serve_until_stopped(build, startup.configuration.clone(), operator, serve);
    log.flush();
    result.map_err(|error| error.located(&startup.configuration))
}

/// The operator's means to start the server and to reach it while it runs.
struct Operator {
    sockets: PassedSockets,
    signals: signals::Caught,
    config_file: Option<PathBuf>,
    level: LevelHandle,
    lost_lines: LostLines,
}

/// Runs from the configuration to the end of everything that was started for it.
fn serve_until_stopped(
    build: Build,
    mut configuration: Configuration,
    Operator { sockets, signals, config_file, level, lost_lines }: Operator,
    serve: fn(Server) -> io::Result<()>,
) -> Result<(), StartError> {
    let clock = Clock::start();
    let settings = ProcessSettings::of(&configuration);
    let (tls, tls_watch) = Tls::start(&TlsSources::of(&configuration), &settings.bind_address)?;
    let policy = policy(&settings, Arc::clone(&tls))?;
    let started = configuration.clone();
    let users = UsersFile::read(&configuration)?;
    let (access, warnings) = rules(&configuration, users.as_ref())?;
    let lifecycle = Arc::new(Lifecycle::default());
    let admin = Admin::start(build, &configuration, Arc::clone(&lifecycle), sockets.admin, &tls, clock)?;
    let (listeners, address) = bind(&settings, sockets.remoting, &mut configuration)?;
    // A server that had the port before has saved its files by now.
    let (kv, mut files) = start_files::read_kv_file(&settings, &WarmStartSettings::of(&configuration))?;
    let audit_file = start_files::prepare(&mut files, &settings)?;
    warn_of_access(&access, &warnings, &settings);
    let (limits, serialization) = (configuration.limits(), configuration.serialization());
    let notifier = notifier(&configuration, Arc::clone(&tls), clock);
    let warmth = Warmth::read(files.snapshot.as_ref(), &configuration, clock);
    let (node, view) = new_node(configuration, kv, access, warmth.start, clock)?;

    let views = Arc::new(ArcSwap::new(view));
    let inboxes = Arc::new(Inboxes::default());
    let quotas = SharedQuotas::shared(&limits);
    let (queue, receiver) = queue::queue(&quotas);
    let (inspector, inspections) = inspection::inspections(queue.clone());
    let counters = Arc::new(Counters::with_snapshot(listeners.len(), clock.now().monotonic, warmth.file));
    let (saver, saver_thread) = Saver::start(files, queue.clone(), &counters, clock).map_err(thread_failed)?;
    let (audit, audit_writer) = start_audit(audit_file).map_err(thread_failed)?;
    let parts = Parts {
        views: Arc::clone(&views),
        counters: Arc::clone(&counters),
        inboxes: Arc::clone(&inboxes),
        quotas: Arc::clone(&quotas),
        events: audit.store(),
        inspector,
        tls,
        lost_lines,
        expectation: warmth.expectation,
        address,
    };
    let publisher = Publisher::new(Arc::clone(&views));
    let summary = Summary::of(&parts, publisher.published_at(), clock);
    admin.show(parts);
    let shutdown = Shutdown::new(&lifecycle, audit.store(), clock);
    let tls = tls_watch.spawn(audit.clone(), clock).map_err(thread_failed)?;
    let read = ReadAtStart { config_file, configuration: started, users };
    let drain = Drain::new(&shutdown, &queue, settings.drain);
    let reload = Reload::new(read, level, &queue, &audit, tls, &counters, clock);
    signals.watch(drain, reload.start().map_err(thread_failed)?, summary).map_err(thread_failed)?;
    let registry_thread = spawn(RegistryThread {
        node,
        queue: receiver,
        publisher,
        inboxes: Arc::clone(&inboxes),
        credit: Arc::new(Credit::new(queue.clone())),
        saver,
        notifier,
        events: EventLog::new(audit),
        inspections,
        lifecycle,
        shutdown: shutdown.clone(),
        counters: Arc::clone(&counters),
        clock,
        boot_line: boot_line(serialization, &settings.bind_address, address.port()),
    })
    .map_err(thread_failed)?;

    let registry = RegistryHandle::new(queue.clone(), inboxes);
    let served = serve(Server { listeners, views, registry, clock, quotas, policy, counters });
    finish(&queue, registry_thread, saver_thread, audit_writer);
    shutdown.complete();
    admin.finish();
    served.map_err(system("the server stopped")).inspect(|()| info!("stopped"))
}

/// Ends the remaining threads, after the I/O threads have ended. If one of them panics, the process ends.
fn finish(
    queue: &QueueSender,
    registry: JoinHandle<()>,
    saver: JoinHandle<()>,
    audit: Option<(AuditWriter, JoinHandle<()>)>,
) {
    queue.push(Input::Finish);
    let _ = registry.join().and_then(|()| saver.join());
    if let Some((writer, thread)) = audit {
        writer.finish();
        let _ = thread.join();
    }
}

/// Returns where events go, and the thread of the audit file if there is one.
#[expect(clippy::type_complexity, reason = "a thread with the way to it, if there is one")]
fn start_audit(file: Option<AuditFile>) -> io::Result<(AuditSink, Option<(AuditWriter, JoinHandle<()>)>)> {
    let writer = file.map(AuditWriter::start).transpose()?;
    Ok((AuditSink::new(writer.as_ref().map(|(writer, _)| writer.clone())), writer))
}

/// Creates the node and its first view.
fn new_node(
    configuration: Configuration,
    kv: KvTable,
    access: AccessRules,
    warm_start: Option<WarmStart>,
    clock: Clock,
) -> Result<(Node, Arc<RouteView>), StartError> {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(|error| system("no random numbers")(error.into()))?;
    let saves_snapshots = WarmStartSettings::of(&configuration).is_wanted;
    let (initial, access) = (InitialState::new(secret, configuration), Arc::new(access));
    let initial = InitialState { kv, access, warm_start, saves_snapshots, ..initial };
    let mut node = Node::new(initial, clock.now());
    match node.poll_output() {
        Some(Output::Publish(view)) => Ok((node, view)),
        Some(_) | None => Err(system("no view to begin with")(io::ErrorKind::Other.into())),
    }
}

fn spawn(registry_thread: RegistryThread) -> io::Result<JoinHandle<()>> {
    threads::named("registry").spawn(move || {
        lower_priority();
        registry_thread.run();
    })
}

/// Returns the policy for the first bytes of connections.
fn policy(settings: &ProcessSettings, tls: Arc<Tls>) -> Result<Policy, StartError> {
    Ok(Policy { proxy_protocol: settings.proxy_protocol, trusted_proxies: trusted_proxies(settings)?, tls })
}

fn trusted_proxies(settings: &ProcessSettings) -> Result<Option<AddressList>, StartError> {
    AddressList::parse_if_set(&settings.trusted_proxies).map_err(|source| StartError::TrustedProxies { source })
}

/// Warns of each risk in the rules of access control.
fn warn_of_access(rules: &AccessRules, warnings: &[Warning], settings: &ProcessSettings) {
    warnings.iter().for_each(|warning| warn!("{}", warning.0));
    if rules.lets_anybody_change() && !is_loopback(&settings.bind_address) {
        warn!("anyone who reaches the port can change this server: authenticationEnabled=true prevents it");
    }
}

/// Whether only processes on this host can reach the address. A name may mean any address.
fn is_loopback(address: &str) -> bool {
    address.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Returns the listeners and their common address. From now on the configuration shows the actual port.
fn bind(
    settings: &ProcessSettings,
    passed: Option<PassedSocket>,
    configuration: &mut Configuration,
) -> Result<(Vec<TcpListener>, SocketAddr), StartError> {
    let processors = || thread::available_parallelism().map_or(1, usize::from);
    let listen = Listen {
        address: &settings.bind_address,
        port: settings.listen_port,
        families: AddressFamilies::of(configuration),
        sockets: match settings.io_threads {
            0 => processors(),
            threads => threads,
        },
        send_bytes: settings.socket_send_bytes,
        receive_bytes: settings.socket_receive_bytes,
    };
    let failed = |source| StartError::Bind { address: listen.address.to_owned(), port: listen.port, source };
    let is_passed = passed.is_some();
    let listeners = match passed {
        Some(socket) => socket.listeners(&listen, "bindAddress, listenPort")?,
        None => listen.bind().map_err(failed)?,
    };
    let first = listeners.first().ok_or(io::ErrorKind::NotFound.into()).map_err(failed)?;
    let address = first.local_addr().map_err(failed)?;
    if is_passed {
        info!(%address, "accepting connections on the socket that this process was started with");
    }
    configuration.set(&ProcessSettings::listen_port.key, &address.port().to_string());
    Ok((listeners, address))
}

fn notifier(configuration: &Configuration, tls: Arc<Tls>, clock: Clock) -> Notifier {
    let connect_timeout = ProcessSettings::of(configuration).connect_timeout;
    Notifier::new(connect_timeout, AddressFamilies::of(configuration), tls, clock)
}

/// Returns the line that tells tools that the server is up, word for word as the Java server writes it.
fn boot_line(serialization: Serialization, address: &str, port: u16) -> String {
    let serialize_type = match serialization {
        Serialization::Json => "JSON",
        Serialization::Binary => "ROCKETMQ",
    };
    format!("The Name Server boot success. serializeType={serialize_type}, address {address}:{port}")
}

fn log_configuration(runtime: &str, startup: &Startup) {
    info!(runtime, version = env!("CARGO_PKG_VERSION"), "starting");
    for (key, value) in startup.configuration.items() {
        info!(value, "{key}");
    }
    if let Some(path) = &startup.runtime_file_read {
        info!(path = %path.display(), "changes made at run time were read");
    }
    for notice in &startup.notices {
        info!("{notice}");
    }
    for warning in &startup.warnings {
        warn!("{}", warning.0);
    }
}

/// Makes any panic end the process. A panic is a bug, and a server that lost a thread must not look alive.
fn end_with_any_thread() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |fault| {
        report(fault);
        std::process::abort();
    }));
}

/// Lets I/O threads preempt this one. Where all share a processor, a query must not wait for a large registration.
fn lower_priority() {
    // On Linux this only affects the calling thread.
    if let Err(error) = rustix::process::nice(REGISTRY_NICENESS) {
        warn!(%error, "cannot lower the priority of the registry thread");
    }
}

fn thread_failed(source: io::Error) -> StartError {
    system("cannot start a thread")(source)
}

fn system(what: &'static str) -> impl Fn(io::Error) -> StartError + Copy {
    move |source| StartError::System { what, source }
}
