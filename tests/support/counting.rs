//! An allocator that counts what each thread takes from the heap.
#![allow(dead_code, reason = "each test file is a crate that uses its part of it")]

use core::alloc::Layout;
use core::cell::Cell;
use std::alloc::{GlobalAlloc, System};

/// What was taken from the heap, by this thread, since the count began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// How often; to grow an allocation counts as another.
    pub allocations: u64,
    /// The bytes taken and not given back. To grow counts as what is added.
    pub live: isize,
    /// The most that was ever.
    pub peak: isize,
}

pub const NOTHING: Cost = Cost { allocations: 0, live: 0, peak: 0 };

thread_local! {
    static COST: Cell<Cost> = const { Cell::new(NOTHING) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(allocations: u64, bytes: isize) {
    let cost = COST.get();
    let live = cost.live + bytes;
    COST.set(Cost { allocations: cost.allocations + allocations, live, peak: cost.peak.max(live) });
}

// SAFETY: all of it is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size as isize - layout.size() as isize);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What `f` costs; what it returns is still alive, and counts.
pub fn cost_of<T>(f: impl FnOnce() -> T) -> (T, Cost) {
    COST.set(NOTHING);
    let value = f();
    (value, COST.get())
}

/// Within what `cost_of` runs.
pub fn cost_so_far() -> Cost {
    COST.get()
}
