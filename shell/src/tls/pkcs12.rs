//! The password-based encryption of PKCS#12 (RFC 7292, appendices B and C). RocketMQ's own guide uses it for keys.
//!
//! Its ciphers are weak. They only serve to read the keys that people have.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyInit, KeyIvInit, StreamCipher};
use pkcs8::der::Reader;
use pkcs8::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use rc4::Rc4;
use sha1::{Digest, Sha1};

/// Bytes of a block of SHA-1.
const BLOCK_BYTES: usize = 64;
/// The purpose of a derived value: a key or an initialization vector.
const KEY: u8 = 1;
const VECTOR: u8 = 2;
/// The most iterations, as in PKCS#5 here: a few minutes of work.
const ITERATIONS_MAX: u32 = 100_000_000;

/// A cipher whose key is derived with SHA-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// RC4 with a key of 16 bytes, as in the guide.
    Rc4With128Bits,
    /// RC4 with a key of 5 bytes.
    Rc4With40Bits,
    /// Triple DES with three keys.
    TripleDes,
}

impl Scheme {
    /// The scheme with this identifier.
    pub(super) fn from_identifier(identifier: ObjectIdentifier) -> Option<Self> {
        const RC4_128: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.1");
        const RC4_40: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.2");
        const TRIPLE_DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
        match identifier {
            RC4_128 => Some(Self::Rc4With128Bits),
            RC4_40 => Some(Self::Rc4With40Bits),
            TRIPLE_DES => Some(Self::TripleDes),
            _ => None,
        }
    }

    /// Decrypts. Returns `None` if the parameters are malformed or the password is wrong. RC4 has no padding, so it
    /// returns some bytes for every password.
    pub(super) fn decrypt(self, parameters: AnyRef<'_>, password: &str, encrypted: &[u8]) -> Option<Vec<u8>> {
        let (salt, iterations) = parameters
            .sequence(|reader| {
                let salt: &OctetStringRef = reader.decode()?;
                Ok::<_, pkcs8::der::Error>((salt.as_bytes(), reader.decode::<u32>()?))
            })
            .ok()?;
        if !(1..=ITERATIONS_MAX).contains(&iterations) {
            return None;
        }
        let derive = |purpose, bytes| derive(purpose, password, salt, iterations, bytes);
        let rc4 = |key_bytes| {
            let mut bytes = encrypted.to_vec();
            Rc4::new_from_slice(&derive(KEY, key_bytes)).ok()?.apply_keystream(&mut bytes);
            Some(bytes)
        };
        match self {
            Self::Rc4With128Bits => rc4(16),
            Self::Rc4With40Bits => rc4(5),
            Self::TripleDes => {
                let cipher = cbc::Decryptor::<des::TdesEde3>::new_from_slices(&derive(KEY, 24), &derive(VECTOR, 8));
                cipher.ok()?.decrypt_padded_vec::<Pkcs7>(encrypted).ok()
            }
        }
    }
}

/// Derives `bytes` bytes from a password (RFC 7292, appendix B.2).
fn derive(purpose: u8, password: &str, salt: &[u8], iterations: u32, bytes: usize) -> Vec<u8> {
    // A BMPString with two zero bytes at its end.
    let password: Vec<u8> = password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect();
    let mut input = filled(salt);
    input.extend(filled(&password));
    let mut derived = Vec::new();
    loop {
        let mut digest = Sha1::new().chain_update([purpose; BLOCK_BYTES]).chain_update(&input).finalize();
        for _ in 1..iterations {
            digest = Sha1::digest(digest);
        }
        derived.extend_from_slice(&digest);
        if derived.len() >= bytes {
            derived.truncate(bytes);
            return derived;
        }
        let addend: Vec<u8> = digest.iter().copied().cycle().take(BLOCK_BYTES).collect();
        input.chunks_exact_mut(BLOCK_BYTES).for_each(|block| add_one_more(block, &addend));
    }
}

/// Repeats some bytes until they fill whole blocks.
fn filled(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().cycle().take(bytes.len().next_multiple_of(BLOCK_BYTES)).collect()
}

/// Computes `block + addend + 1` as one number, and drops the overflow.
fn add_one_more(block: &mut [u8], addend: &[u8]) {
    let mut carry = 1;
    for (byte, add) in block.iter_mut().zip(addend).rev() {
        let sum = u16::from(*byte) + u16::from(*add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}
