//! An echo server on async-std: what the sockets cost when nothing is done for a request. One thread runs a task for
//! each connection; it reads once and writes once for each wake-up, as the NameServer does.

use anyhow::Result;
use async_global_executor::GlobalExecutorConfig;
use async_io::Async;
use async_std::task;
use namesrv_bench::echo::{Arguments, FrameCounter};
use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// Bytes of one read.
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
    let answer: Arc<[u8]> = arguments.answer.into();
    task::block_on(task::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.get_ref().set_nodelay(true)?;
            let answer = Arc::clone(&answer);
            task::spawn(async move {
                // A lost connection is no news.
                let _ = echo(&stream, &answer).await;
            });
        }
    }))
}

async fn echo(stream: &Async<TcpStream>, answer: &[u8]) -> io::Result<()> {
    let mut counter = FrameCounter::new();
    let mut pending = Vec::new();
    loop {
        stream.readable().await?;
        let frames: io::Result<usize> = SCRATCH.with_borrow_mut(|scratch| match stream.get_ref().read(scratch)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            read => Ok(counter.count(scratch.get(..read).unwrap_or_default())),
        });
        match frames {
            Ok(frames) => (0..frames).for_each(|_| pending.extend_from_slice(answer)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        let mut rest = pending.as_slice();
        while !rest.is_empty() {
            match stream.get_ref().write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
        pending.clear();
    }
}
