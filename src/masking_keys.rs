use alloc::boxed::Box;
use core::fmt;

use crate::frame::MaskingKey;

/// Where a client's masking keys come from (RFC 6455, 5.3 and 10.3).
///
/// Every frame of a client is masked with a new key, which whoever supplies
/// the payload must not be able to predict. `MaskingKeys::random` is the
/// source to use; [`new`](Self::new) is for devices without an operating
/// system, which have a generator of their own, and for tests.
pub struct MaskingKeys(Source);

enum Source {
    #[cfg(feature = "rand")]
    Random,
    Custom(Box<dyn FnMut() -> [u8; 4] + Send + Sync>),
}

impl MaskingKeys {
    /// Keys from a generator seeded by the operating system.
    ///
    /// A process that forks without starting another program shares the keys
    /// that were drawn but not used, at most 64 a thread.
    ///
    /// # Panics
    /// Taking a key panics where the operating system has no randomness to
    /// give, which does not happen on any mainstream one once it runs.
    #[cfg(feature = "rand")]
    #[must_use]
    pub fn random() -> Self {
        Self(Source::Random)
    }

    /// Keys from `next`, called once a frame.
    ///
    /// It must be a cryptographically strong generator, except in tests. A
    /// closure that captures nothing costs no memory. A device whose generator cannot be
    /// moved seeds another one from it, such as a ChaCha, and moves that in.
    ///
    /// ```
    /// use sansws::MaskingKeys;
    ///
    /// let mut count = 0u32;
    /// let for_tests = MaskingKeys::new(move || {
    ///     count += 1;
    ///     count.to_be_bytes()
    /// });
    /// ```
    pub fn new(next: impl FnMut() -> [u8; 4] + Send + Sync + 'static) -> Self {
        Self(Source::Custom(Box::new(next)))
    }

    #[inline]
    pub(crate) fn next(&mut self) -> MaskingKey {
        MaskingKey::new(match &mut self.0 {
            #[cfg(feature = "rand")]
            Source::Random => random::next(),
            Source::Custom(next) => next(),
        })
    }
}

impl fmt::Debug for MaskingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            #[cfg(feature = "rand")]
            Source::Random => "MaskingKeys(random)",
            Source::Custom(_) => "MaskingKeys(custom)",
        })
    }
}

#[cfg(feature = "rand")]
mod random {
    use core::cell::RefCell;
    use std::thread_local;

    use rand::Rng;

    /// Keys drawn from the thread's generator a block at a time: one call for
    /// each would cost several times what masking a small message does.
    struct Block {
        keys: [[u8; 4]; 64],
        used: usize,
    }

    thread_local! {
        static BLOCK: RefCell<Block> =
            const { RefCell::new(Block { keys: [[0; 4]; 64], used: 64 }) };
    }

    #[inline]
    pub(super) fn next() -> [u8; 4] {
        BLOCK.with_borrow_mut(|block| {
            if block.used == block.keys.len() {
                rand::rng().fill_bytes(block.keys.as_flattened_mut());
                block.used = 0;
            }
            let key = block.keys[block.used];
            block.used += 1;
            key
        })
    }
}
