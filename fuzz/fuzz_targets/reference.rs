//! A stream means what the decoder written from the RFC alone makes of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sansws_fuzz::Case;
use sansws_fuzz::reference::decode;
use sansws_fuzz::runs::{WHOLE, expected, run};

fuzz_target!(|data: &[u8]| {
    let Some(case) = Case::new(data) else { return };
    let expected = expected(&case.rules, decode(&case.rules, case.stream));
    assert_eq!(run(&case.rules, &case.pieces, WHOLE), expected);
});
