//! Access control: which requests the server answers, and for which senders.
//!
//! Java's NameServer answers everyone. Brokers, mqadmin, dashboards and clients still sign what they send, with the
//! keys that they use for brokers. So this server can tell administrators from strangers, and nothing changes on their
//! side.
//!
//! [`AccessRules`] is an immutable value that travels with the [view](crate::route::RouteView), so I/O threads read it
//! without a lock. A connection calls [`AccessRules::judge`] when it reads a request, and passes the [`Verdict`] to the
//! registry together with the request. This module keeps no state between two requests.

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
