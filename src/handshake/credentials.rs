//! A user and a password, as a field says them (RFC 7617).

use alloc::format;
use alloc::string::String;

use base64::Engine as _;

/// The value of `Authorization`, or of `Proxy-Authorization`; `None` if these two cannot be sent.
pub(crate) fn basic(user: &[u8], password: &[u8]) -> Option<String> {
    // RFC 7617, 2: "a user-id containing a colon character is invalid", and "The user-id and
    // password MUST NOT contain any control characters"
    let has_control = [user, password].concat().iter().any(u8::is_ascii_control);
    if has_control || user.contains(&b':') {
        return None;
    }
    let credentials = [user, password].join(&b':');
    Some(format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(credentials)))
}
