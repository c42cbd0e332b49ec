//! permessage-deflate (RFC 7692): messages compressed one by one.

use alloc::vec::Vec;

mod config;
mod deflater;
mod inflater;
mod negotiation;
mod pool;
mod window;

pub use config::{DeflateConfig, KeepContext};
pub(crate) use deflater::Deflater;
pub(crate) use inflater::Inflater;
pub use negotiation::DeflateParameters;
pub(crate) use negotiation::{NAME, accept, confirm, offer};

/// What the end of a compressed message leaves out (RFC 7692, 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// Compresses a message by itself; and the window bits that it takes.
pub(crate) fn deflate_alone(message: &[u8], config: &DeflateConfig) -> (Vec<u8>, u8) {
    let parameters = DeflateParameters {
        send_window_bits: config.send_window_bits,
        send_without_takeover: true,
        receive_window_bits: 15,
        receive_without_takeover: true,
    };
    // One that was kept would be larger than this message needs.
    let config = config.keep_context(KeepContext::Never);
    let mut out = Vec::new();
    Deflater::new(&parameters, &config).deflate(message, true, &mut out);
    (out, config.send_window_bits)
}

/// The compression that a handshake has agreed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agreed {
    pub(crate) parameters: DeflateParameters,
    pub(crate) config: DeflateConfig,
}

impl Agreed {
    pub(crate) fn inflater(&self) -> Inflater {
        Inflater::new(&self.parameters)
    }

    pub(crate) fn deflater(&self) -> Deflater {
        Deflater::new(&self.parameters, &self.config)
    }
}
