//! Files on the disk of this machine, and on a disk in memory that fails.

mod crashes;
mod hosts;
mod model;
