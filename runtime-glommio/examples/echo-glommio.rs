//! An echo server on glommio: what the sockets cost when nothing is done for a request. One executor runs a task for
//! each connection; it reads once and writes once for each wake-up, as the NameServer does.

use anyhow::{Context, Result};
use futures_io::{AsyncRead, AsyncWrite};
use glommio::net::{TcpListener, TcpStream};
use glommio::timer::Timer;
use glommio::{LocalExecutorBuilder, Placement, PoolPlacement, spawn_local};
use namesrv_bench::echo::{Arguments, FrameCounter};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

/// Bytes of one read.
const READ_BYTES_MAX: usize = 64 * 1024;
const TICK: Duration = Duration::from_secs(1);

thread_local! {
    /// A read never waits, so one buffer is enough.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES_MAX]);
}

fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    // As the NameServer's executors are made.
    let executor = LocalExecutorBuilder::new(Placement::Unbound)
        .ring_depth(64)
        .io_memory(64 * 1024)
        .preempt_timer(Duration::from_millis(1))
        .blocking_thread_pool_placement(PoolPlacement::Custom(Vec::new()))
        .make()
        .ok()
        .context("io_uring is refused")?;
    executor.run(serve(arguments))
}

async fn serve(arguments: Arguments) -> Result<()> {
    let listener = TcpListener::bind(arguments.address).ok().context("cannot listen")?;
    let answer: Rc<[u8]> = arguments.answer.into();
    // An idle executor looks at its rings at least so often, as that of the NameServer does.
    let _ticking = spawn_local(async {
        loop {
            Timer::new(TICK).await;
        }
    });
    loop {
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                let _ = writeln!(io::stderr(), "cannot accept: {error}");
                continue;
            }
        };
        stream.set_nodelay(true).ok().context("cannot prepare a connection")?;
        let answer = Rc::clone(&answer);
        // A lost connection is no news.
        spawn_local(async move { drop(echo(stream, &answer).await) }).detach();
    }
}

async fn echo(mut stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    let mut counter = FrameCounter::new();
    let mut pending = Vec::new();
    loop {
        let frames = poll_fn(|context| {
            SCRATCH.with_borrow_mut(|scratch| {
                let poll = Pin::new(&mut stream).poll_read(context, scratch);
                poll.map_ok(|read| (read > 0).then(|| counter.count(scratch.get(..read).unwrap_or_default())))
            })
        });
        let Some(frames) = frames.await? else { return Ok(()) };
        (0..frames).for_each(|_| pending.extend_from_slice(answer));
        let mut rest = pending.as_slice();
        while !rest.is_empty() {
            let written = poll_fn(|context| Pin::new(&mut stream).poll_write(context, rest)).await?;
            rest = rest.get(written..).unwrap_or_default();
        }
        pending.clear();
    }
}
