//! How sansws goes together with hyper, axum, HTTP/2 and HTTP/3: short modules to
//! be copied, and the tests that they work.
//!
//! | module | with |
//! |---|---|
//! | [`hyper`] | servers and clients of hyper, by HTTP/1.1 and HTTP/2 |
//! | [`axum`] | an extractor for axum, by HTTP/1.1 and HTTP/2 |
//! | [`h3`] | the streams of h3, for HTTP/3 |

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(missing_debug_implementations, unreachable_pub)]

pub mod axum;
pub mod h3;
pub mod hyper;
