use alloc::vec::Vec;
use core::net::SocketAddr;

/// In the order in which to try them: the families by turns, so that one that
/// leads nowhere costs little (RFC 8305, 4).
pub(super) fn by_turns(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let addresses: Vec<_> = addresses.collect();
    let first_is_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let family = |is_ipv6| addresses.iter().filter(move |address| address.is_ipv6() == is_ipv6);
    let (mut preferred, mut other) = (family(first_is_ipv6), family(!first_is_ipv6));
    let mut by_turns = Vec::with_capacity(addresses.len());
    while by_turns.len() < addresses.len() {
        by_turns.extend(preferred.next());
        by_turns.extend(other.next());
    }
    by_turns
}
