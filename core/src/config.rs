//! Configuration: the configuration file, its keys, and what they set.
//!
//! ```
//! use namesrv_core::config::{Configuration, properties};
//!
//! let entries = properties::parse(b"waitSecondsForService = 60\nconnectionsMax = 5000\n")?;
//! let (configuration, warnings) = Configuration::new(&entries)?;
//! assert_eq!(configuration.settings().wait_seconds_for_service, 60);
//! assert_eq!(configuration.limits().connections_max, 5000);
//! assert!(warnings.is_empty());
//!
//! let error = Configuration::new(&properties::parse(b"\nconnectionsMax = many")?).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "line 2: connectionsMax: `many` is not a whole number from 1 upwards"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod advice;
mod configuration;
mod java;
pub mod properties;
mod settings;
mod source;
mod warnings;

pub use crate::limits::Limits;
pub use access::{AccessControl, AccessSettings};
pub use configuration::{Changes, Configuration, ConfigurationError, Update};
pub use settings::{SERIALIZE_TYPE, Settings};
pub use source::Source;
pub use warnings::Warning;
