use core::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use sha1::{Digest as _, Sha1};

/// Takes unused bits that are set, as in the example of RFC 6455, 4.1.
const STANDARD: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// How long the base64 of 16 bytes is.
const KEY_LEN: usize = 24;

/// 1.3: what a server appends to the key.
const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What proves that a server has understood a handshake: the value of
/// `Sec-WebSocket-Accept` (RFC 6455, 4.2.2).
///
/// ```
/// use sansws::handshake::AcceptKey;
///
/// let accept = AcceptKey::new(b"dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(accept.as_str(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AcceptKey([u8; 28]);

impl AcceptKey {
    /// The answer to this value of `Sec-WebSocket-Key`, whatever it is.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        let mut keyed = [0; KEY_LEN + GUID.len()];
        let hash = if key.len() == KEY_LEN {
            // All of it at once takes less time than one after the other.
            keyed[..KEY_LEN].copy_from_slice(key);
            keyed[KEY_LEN..].copy_from_slice(GUID);
            Sha1::digest(keyed)
        } else {
            Sha1::new().chain_update(key).chain_update(GUID).finalize()
        };
        Self(encode(&hash.into()))
    }

    /// The 28 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Base64 is ASCII, so this never falls back.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AcceptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AcceptKey({})", self.as_str())
    }
}

impl fmt::Display for AcceptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The value of `Sec-WebSocket-Key` for a nonce (4.1).
pub(super) fn encode_nonce(nonce: &[u8; 16]) -> [u8; KEY_LEN] {
    encode(nonce)
}

/// Whether `key` is the base64 of 16 bytes (4.2.1).
pub(super) fn is_key(key: &[u8]) -> bool {
    let mut nonce = [0; 18];
    key.len() == KEY_LEN && STANDARD.decode_slice(key, &mut nonce) == Ok(16)
}

/// Base64 of `N` bytes, which is exactly `M` characters.
fn encode<const N: usize, const M: usize>(bytes: &[u8; N]) -> [u8; M] {
    const { assert!(M == N.div_ceil(3) * 4) }
    let mut text = [0; M];
    let written = STANDARD.encode_slice(bytes, &mut text);
    debug_assert_eq!(written, Ok(M));
    text
}
