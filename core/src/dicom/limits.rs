//! What the decoding process may use, set by itself. Where the system has no such limits (Windows)
//! the parent's wall clock is the only one.

/// Bytes of writable memory: a 13-megapixel JPEG 2000 film needs some 0.3 GB, the largest frame
/// that the guard lets pass (2^27 pixels) some 2 GB.
#[cfg(unix)]
const MEMORY: u64 = 3 << 30;
/// CPU seconds for one file, over all threads.
#[cfg(unix)]
const CPU_SECS: u64 = 120;

/// Caps the memory of this process for good.
pub(super) fn cap_memory() {
    // RLIMIT_DATA counts what can be written to; RLIMIT_AS would also count what the allocator
    // merely reserves for each thread. A system that refuses leaves the wall clock.
    #[cfg(unix)]
    let _ = rlimit::getrlimit(rlimit::Resource::DATA)
        .and_then(|(_, hard)| rlimit::setrlimit(rlimit::Resource::DATA, MEMORY.min(hard), hard));
}

/// Gives this process [`CPU_SECS`] from now on: an orphan that loops ends by it.
pub(super) fn renew_cpu_time() {
    #[cfg(unix)]
    if let Some(used) = cpu_seconds_used() {
        let _ = rlimit::getrlimit(rlimit::Resource::CPU).and_then(|(_, hard)| {
            rlimit::setrlimit(rlimit::Resource::CPU, (used + CPU_SECS).min(hard), hard)
        });
    }
}

/// User and system time from /proc/self/stat, fields 14 and 15, in ticks of 10 ms.
#[cfg(unix)]
fn cpu_seconds_used() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in field 2 may hold spaces; it ends with the last bracket.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some((ticks(14)? + ticks(15)?) / 100)
}
