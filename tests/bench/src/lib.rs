//! Compares NameServers on one host: a load generator that checks every answer, and a report that says which runtime is
//! best there. It talks to loopback addresses only.

pub mod announcement;
pub mod broker;
pub mod certificate;
pub mod clients;
pub mod cluster;
pub mod compare;
mod connection;
pub mod connections;
pub mod contender;
pub mod echo;
pub mod figure;
pub mod goals;
pub mod host;
pub mod html;
pub mod load;
pub mod markdown;
pub mod measure;
pub mod one_line;
pub mod options;
pub mod picture;
pub mod progress;
pub mod question;
pub mod recommendation;
pub mod registrations;
pub mod report;
pub mod results;
pub mod sections;
pub mod server;
pub mod start;
pub mod subject;
pub mod threads;
pub mod tls;
pub mod workload;
