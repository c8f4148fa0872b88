//! A program without std that depends on the core: it compiles only while nothing in the core's dependencies uses std,
//! because std brings a second panic handler (error E0152).
//!
//! `cargo check` in this folder is the whole test; the program is never linked or run. It has no lock file of its own:
//! CI copies the one of the main workspace here, so that the versions checked are the versions released.

#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;
use core::ptr;
use namesrv_core as _;

/// An allocator without memory.
struct NoMemory;

// SAFETY: null is how an allocator refuses, and nothing is ever allocated that could be freed.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _layout: Layout) -> *mut u8 {
        ptr::null_mut()
    }

    unsafe fn dealloc(&self, _pointer: *mut u8, _layout: Layout) {}
}

#[global_allocator]
static ALLOCATOR: NoMemory = NoMemory;

#[panic_handler]
fn panic(_info: &PanicInfo) -> ! {
    loop {}
}
