//! A stream means the same whole and cut, and every call gets on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sansws_fuzz::Case;
use sansws_fuzz::runs::{WHOLE, run};

fuzz_target!(|data: &[u8]| {
    let Some(case) = Case::new(data) else { return };
    let whole = run(&case.rules, &[case.stream], WHOLE);
    assert_eq!(run(&case.rules, &case.pieces, WHOLE), whole);
});
