//! The suites that prove the server, as a library that the runtime crates call.
