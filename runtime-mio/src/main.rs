//! The NameServer on epoll.

fn main() {}
