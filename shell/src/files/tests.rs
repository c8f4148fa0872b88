//! Files on the disk of the machine and on one in memory that fails.

mod crashes;
mod hosts;
mod model;
