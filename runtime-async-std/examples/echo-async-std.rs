//! An echo server on async-std: shows what the sockets cost if requests cost nothing. One thread runs a task for each
//! connection. Like the NameServer, it reads once and writes once for each wake-up. With a certificate and its key it
//! speaks TLS.

use anyhow::Result;
use async_global_executor::GlobalExecutorConfig;
use async_io::Async;
use async_std::task;
use namesrv_bench::echo::{Arguments, Session};
use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

/// The most bytes of one read.
const READ_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    /// A read never waits, so one buffer is enough.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES_MAX]);
}

fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let config = GlobalExecutorConfig::default().with_env_var("").with_min_threads(1).with_max_threads(1);
    async_global_executor::init_with_config(config);
    let listener = Async::new(TcpListener::bind(arguments.address)?)?;
    task::block_on(task::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.get_ref().set_nodelay(true)?;
            let session = arguments.service.session()?;
            task::spawn(async move {
                // A lost connection is normal.
                let _ = echo(&stream, session).await;
            });
        }
    }))
}

async fn echo(stream: &Async<TcpStream>, mut session: Session) -> io::Result<()> {
    loop {
        stream.readable().await?;
        let handled: io::Result<()> = SCRATCH.with_borrow_mut(|scratch| match stream.get_ref().read(scratch)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            read => session.handle_input(scratch.get_mut(..read).unwrap_or_default()),
        });
        match handled {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        while !session.output().is_empty() {
            match stream.get_ref().write(session.output()) {
                Ok(written) => session.handle_written(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
    }
}
