//! The parts of messages, joined, are the messages, even if the program changes
//! between the two calls where it may.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sansws_fuzz::Case;
use sansws_fuzz::runs::{Call, PARTS, WHOLE, run};

fuzz_target!(|data: &[u8]| {
    let Some(case) = Case::new(data) else { return };
    let whole = run(&case.rules, &[case.stream], WHOLE);
    assert_eq!(run(&case.rules, &[case.stream], PARTS), whole);
    assert_eq!(run(&case.rules, &case.pieces, PARTS), whole);
    assert_eq!(run(&case.rules, &case.pieces, &[Call::Receive, Call::ReceivePart]), whole);
});
