//! The two clocks and the two futex calls that shared slots need, by operating system. Where there is none
//! (WebAssembly) clocks answer 0, meaning "not measured", and nobody can sleep.
const std = @import("std");
const builtin = @import("builtin");
const linux = std.os.linux;

const is_linux = builtin.os.tag == .linux;

/// Milliseconds since 1970, as of the last timer tick (1-4 ms): a tenth of the cost of a precise reading.
pub fn coarse_ms() u64 {
    if (comptime !is_linux) return portable_ms();
    const now = read_clock(.REALTIME_COARSE);
    return @as(u64, @intCast(now.sec)) * std.time.ms_per_s +
        @as(u64, @intCast(now.nsec)) / std.time.ns_per_ms;
}

/// Nanoseconds since some moment in the past; 0 where the platform has no clock we read.
pub fn monotonic_ns() u64 {
    if (comptime !is_linux) return 0;
    const now = read_clock(.MONOTONIC);
    return @as(u64, @intCast(now.sec)) * std.time.ns_per_s + @as(u64, @intCast(now.nsec));
}

fn read_clock(which: linux.clockid_t) linux.timespec {
    var now: linux.timespec = undefined;
    const result = linux.clock_gettime(which, &now);
    std.debug.assert(linux.errno(result) == .SUCCESS);
    return now;
}

fn portable_ms() u64 {
    return 0;
}

pub const Woken = enum { changed, timeout, unsupported };

/// Sleeps until the word is no longer `seen`, somebody wakes it, or the time is over.
pub fn wait(word: *const u32, seen: u32, timeout_ms: u32) Woken {
    if (comptime !is_linux) return .unsupported;
    const timeout: linux.timespec = .{
        .sec = timeout_ms / std.time.ms_per_s,
        .nsec = @as(isize, timeout_ms % std.time.ms_per_s) * std.time.ns_per_ms,
    };
    const result = linux.futex_4arg(word, .{ .cmd = .WAIT, .private = false }, seen, &timeout);
    return if (linux.errno(result) == .TIMEDOUT) .timeout else .changed;
}

/// Wakes every sleeper, in this process and in others that map the same file.
pub fn wake_all(word: *const u32) void {
    if (comptime !is_linux) return;
    _ = linux.futex_3arg(word, .{ .cmd = .WAKE, .private = false }, std.math.maxInt(i32));
}
