//! An echo server on glommio: what the sockets cost when nothing is done for a request. One executor runs a task for
//! each connection; it reads once and writes once for each wake-up, as the NameServer does. Given a certificate and
//! its key, it speaks TLS.

use anyhow::{Context, Result};
use futures_io::{AsyncRead, AsyncWrite};
use glommio::net::{TcpListener, TcpStream};
use glommio::timer::Timer;
use glommio::{LocalExecutorBuilder, Placement, PoolPlacement, spawn_local};
use namesrv_bench::echo::{Arguments, Session};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Write};
use std::pin::Pin;
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
        let session = arguments.service.session()?;
        // A lost connection is no news.
        spawn_local(async move { drop(echo(stream, session).await) }).detach();
    }
}

async fn echo(mut stream: TcpStream, mut session: Session) -> io::Result<()> {
    loop {
        let handled = poll_fn(|context| {
            SCRATCH.with_borrow_mut(|scratch| {
                Pin::new(&mut stream).poll_read(context, scratch).map(|read| match read? {
                    0 => Err(ErrorKind::UnexpectedEof.into()),
                    read => session.handle_input(scratch.get_mut(..read).unwrap_or_default()),
                })
            })
        });
        handled.await?;
        while !session.output().is_empty() {
            let written = poll_fn(|context| Pin::new(&mut stream).poll_write(context, session.output())).await?;
            session.handle_written(written);
        }
    }
}
