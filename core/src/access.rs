//! Access control: which requests are served, and whose.
//!
//! Java's NameServer serves everybody. Brokers, mqadmin, dashboards and clients nevertheless sign what they send, with
//! the keys that they use towards brokers. So this server can tell administrators from strangers without any change on
//! the other side.
//!
//! [`AccessRules`] is an immutable value that travels with the [view](crate::route::RouteView), so that I/O threads
//! read it without a lock. A connection asks [`AccessRules::judge`] where it reads a request, and the [`Verdict`] goes
//! with the request to the registry. Nothing here keeps anything between two requests.

mod build;
mod class;
mod mode;
mod reach;
mod registration;
mod rules;
mod signed;
mod user;
mod users_file;
mod verdict;

pub use build::AccessError;
pub use class::Class;
pub use mode::Mode;
pub use reach::Reach;
pub use rules::{AccessRules, Ownership, Verified};
pub use signed::{ACCESS_KEY, Content, SIGNATURE, Signed};
pub use user::{Role, Status, User};
pub use users_file::{UsersFileError, UsersFileFault, parse_users_file};
pub use verdict::{AllowedBy, Grant, OwnRequest, Refusal, RefusalCause, Verdict};
