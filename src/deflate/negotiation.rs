//! The four parameters, offered and agreed on (RFC 7692, 5 and 7.1).

use alloc::format;
use alloc::string::String;

use super::DeflateConfig;
use crate::handshake::Extension;

/// The extension's name.
pub(crate) const NAME: &str = "permessage-deflate";

/// What a handshake has agreed on about compression (RFC 7692, 7.1), from this
/// side.
///
/// Two connections between which compressed messages are passed on need the same,
/// the other way round: see
/// [`Connection::pass_compressed`](crate::Connection::pass_compressed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeflateParameters {
    pub(super) send_window_bits: u8,
    pub(super) send_without_takeover: bool,
    pub(super) receive_window_bits: u8,
    pub(super) receive_without_takeover: bool,
}

impl DeflateParameters {
    /// How far back what we send refers at most, as a power of two from 8 to 15
    /// (7.1.2).
    #[must_use]
    pub const fn send_window_bits(self) -> u8 {
        self.send_window_bits
    }

    /// How far back what the peer sends refers at most, likewise.
    #[must_use]
    pub const fn receive_window_bits(self) -> u8 {
        self.receive_window_bits
    }

    /// Whether each message that we send is compressed by itself (7.1.1).
    #[must_use]
    pub const fn send_without_takeover(self) -> bool {
        self.send_without_takeover
    }

    /// Whether each message that the peer sends is compressed by itself.
    #[must_use]
    pub const fn receive_without_takeover(self) -> bool {
        self.receive_without_takeover
    }

    /// The same from the peer's side: what we send is what it receives.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            send_window_bits: self.receive_window_bits,
            send_without_takeover: self.receive_without_takeover,
            receive_window_bits: self.send_window_bits,
            receive_without_takeover: self.send_without_takeover,
        }
    }
}

/// The parameters as they stand in an offer or a response.
#[derive(Default)]
struct Parsed {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// `Some(None)` for one without a value.
    client_max_window_bits: Option<Option<u8>>,
}

impl Parsed {
    /// 7.1: `None` for a parameter that is unknown, given twice, or whose
    /// value is not one of its own.
    fn new(extension: Extension<'_>) -> Option<Self> {
        let mut parsed = Self::default();
        for (name, value) in extension.parameters() {
            let is_repeated = match name {
                "server_no_context_takeover" if value.is_none() => {
                    core::mem::replace(&mut parsed.server_no_context_takeover, true)
                }
                "client_no_context_takeover" if value.is_none() => {
                    core::mem::replace(&mut parsed.client_no_context_takeover, true)
                }
                "server_max_window_bits" => {
                    parsed.server_max_window_bits.replace(window_bits(value?)?).is_some()
                }
                "client_max_window_bits" => {
                    let bits = match value {
                        Some(value) => Some(window_bits(value)?),
                        None => None,
                    };
                    parsed.client_max_window_bits.replace(bits).is_some()
                }
                _ => return None,
            };
            if is_repeated {
                return None;
            }
        }
        Some(parsed)
    }
}

/// 7.1.2.1: "a decimal integer value without leading zeroes between 8 to 15"
fn window_bits(value: &str) -> Option<u8> {
    match value.as_bytes() {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

/// A server's answer to an offer: what it agrees to, and how it says so.
/// `None` if it declines.
pub(crate) fn accept(
    offer: Extension<'_>,
    config: &DeflateConfig,
) -> Option<(DeflateParameters, String)> {
    if !offer.name().eq_ignore_ascii_case(NAME) {
        return None;
    }
    let offer = Parsed::new(offer)?;
    let send_bits = offer.server_max_window_bits.unwrap_or(15).min(config.send_window_bits);
    // 7.1.2.2: a client that does not offer it need not understand it
    let receive_bits = match offer.client_max_window_bits {
        None => 15,
        Some(bits) => bits.unwrap_or(15).min(config.receive_window_bits),
    };
    let agreed = DeflateParameters {
        send_window_bits: send_bits,
        send_without_takeover: offer.server_no_context_takeover || config.send_without_takeover,
        receive_window_bits: receive_bits,
        receive_without_takeover: offer.client_no_context_takeover
            || config.receive_without_takeover,
    };
    let mut response = String::from(NAME);
    if agreed.send_without_takeover {
        response.push_str("; server_no_context_takeover");
    }
    if agreed.receive_without_takeover {
        response.push_str("; client_no_context_takeover");
    }
    if offer.server_max_window_bits.is_some() || send_bits < 15 {
        response.push_str(&format!("; server_max_window_bits={send_bits}"));
    }
    if receive_bits < 15 {
        response.push_str(&format!("; client_max_window_bits={receive_bits}"));
    }
    Some((agreed, response))
}

/// What a client offers.
pub(crate) fn offer(config: &DeflateConfig) -> String {
    let mut offer = String::from(NAME);
    if config.receive_without_takeover {
        offer.push_str("; server_no_context_takeover");
    }
    if config.send_without_takeover {
        offer.push_str("; client_no_context_takeover");
    }
    if config.receive_window_bits < 15 {
        offer.push_str(&format!("; server_max_window_bits={}", config.receive_window_bits));
    }
    offer.push_str("; client_max_window_bits");
    if config.send_window_bits < 15 {
        offer.push_str(&format!("={}", config.send_window_bits));
    }
    offer
}

/// What a server's answer to that agrees to; `None` if it is not a right one.
pub(crate) fn confirm(
    response: Extension<'_>,
    config: &DeflateConfig,
) -> Option<DeflateParameters> {
    let response = Parsed::new(response)?;
    // 7.1.1.1: a server that accepts the offer has to accept this of it
    if config.receive_without_takeover && !response.server_no_context_takeover {
        return None;
    }
    // 7.1.2.1: and this, with the same or a smaller value
    let receive_bits = response.server_max_window_bits.unwrap_or(15);
    if receive_bits > config.receive_window_bits {
        return None;
    }
    // 7.1.2.2: it has a value in a response, at most that of the offer
    let send_bits = match response.client_max_window_bits {
        None => config.send_window_bits,
        Some(bits) => bits.filter(|&bits| bits <= config.send_window_bits)?,
    };
    Some(DeflateParameters {
        send_window_bits: send_bits,
        send_without_takeover: response.client_no_context_takeover || config.send_without_takeover,
        receive_window_bits: receive_bits,
        receive_without_takeover: response.server_no_context_takeover,
    })
}
