//! Servers that a client may meet: each answers as a test wants it.

use crate::stream::be_patient;
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Serves the next connections, each by `serve`, on a free port of the loopback address. Returns the address. It ends
/// with the process of the test.
pub(crate) fn serve(serve: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            be_patient(&stream);
            serve(stream);
        }
    });
    address
}
