//! What is read as a header is written back as it was, if its length stands in
//! as few bytes as it needs, and as the same header in any case.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sansws::frame::Header;

fuzz_target!(|data: &[u8]| {
    let Ok(Some((header, len))) = Header::parse(data) else { return };
    let encoded = header.encode();
    assert_eq!(encoded.len(), header.encoded_len());
    assert!(encoded.len() <= len && len <= Header::MAX_LEN);
    if encoded.len() == len {
        assert_eq!(*encoded, data[..len]);
    }
    assert_eq!(Header::parse(&encoded), Ok(Some((header, encoded.len()))));
    for cut in 0..len {
        assert_eq!(Header::parse(&data[..cut]), Ok(None));
    }
});
