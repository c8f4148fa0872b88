//! The keyed hash of every table: peers cannot choose colliding names, and equal secrets make equal runs.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher13 as SipHasher128};

/// Builds hashers keyed by the secret of an [`InitialState`](crate::initial_state::InitialState).
#[derive(Clone, Copy)]
pub(crate) struct Secret([u8; 16]);

/// A digest of a registration. Equal digests mean equal registrations.
pub(crate) type Digest = u128;

impl Secret {
    pub(crate) const fn new(key: [u8; 16]) -> Self {
        Self(key)
    }

    #[inline]
    pub(crate) fn hash(&self, name: &[u8]) -> u64 {
        self.build_hasher().hash(name)
    }

    /// Returns the digest of the bytes that `write` feeds.
    pub(crate) fn digest(&self, write: impl FnOnce(&mut SipHasher128)) -> Digest {
        let mut hasher = SipHasher128::new_with_key(&self.0);
        write(&mut hasher);
        hasher.finish128().as_u128()
    }
}

impl BuildHasher for Secret {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Adds a value of any kind to a digest.
pub(crate) fn feed(hasher: &mut SipHasher128, value: impl Hash) {
    value.hash(hasher);
}
