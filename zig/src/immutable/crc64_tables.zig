//! The kernel that every machine has: eight bytes a step through lookup tables ("slicing", Kounavis and Berry, 2005),
//! and the plain byte table it grew from. Serves wasm, processors without carry-less multiply, and very short inputs.
//! Like every kernel it continues a bare register and leaves the inversions at both ends to crc64.zig.

const std = @import("std");
const polynomial = @import("crc64_polynomial.zig");

/// [256 * k + b]: what byte b does to the register once k more bytes have followed it. 16 KB: half of a small
/// first-level cache, and a quarter of what the wasm binary may weigh. Flat, because a row picked out at compile time
/// is stored twice.
const effects: [8 * 256]u64 = blk: {
    @setEvalBranchQuota(50_000);
    var table: [8 * 256]u64 = undefined;
    for (table[0..256], 0..) |*value, byte| {
        value.* = byte;
        for (0..8) |_| value.* = polynomial.times_x(value.*);
    }
    for (table[256..], table[0 .. 7 * 256]) |*value, before| value.* = (before >> 8) ^ table[byte_at(before, 0)];
    break :blk table;
};

inline fn effect(following: usize, byte: u8) u64 {
    return effects[256 * following + byte];
}

/// One byte a step: what benchmarks compare with.
pub fn update_bytes(register: u64, bytes: []const u8) u64 {
    var state = register;
    for (bytes) |byte| state = (state >> 8) ^ effect(0, byte ^ byte_at(state, 0));
    return state;
}

/// Continues `register` over any number of bytes.
pub fn update(register: u64, bytes: []const u8) u64 {
    var state = register;
    var rest = bytes;
    while (rest.len >= lane_count * lane_bytes) : (rest = rest[lane_count * lane_bytes ..]) {
        state = step_lanes(state, rest[0 .. lane_count * lane_bytes]);
    }
    while (rest.len >= 8) : (rest = rest[8..]) state = step(state ^ word(rest));
    return step_tail(state, rest);
}

/// Each step of one register waits for the step before it, so long inputs run three registers side by side.
const lane_count = 3;
const lane_bytes = 1024;

fn step_lanes(register: u64, bytes: *const [lane_count * lane_bytes]u8) u64 {
    var lanes: [lane_count]u64 = @splat(0);
    lanes[0] = register;
    var at: usize = 0;
    while (at < lane_bytes) : (at += 8) {
        inline for (&lanes, 0..) |*lane, i| lane.* = step(lane.* ^ word(bytes[i * lane_bytes + at ..]));
    }
    var state = lanes[0];
    for (lanes[1..]) |lane| state = polynomial.multiply(comptime polynomial.power(8 * lane_bytes), state) ^ lane;
    return state;
}

/// `mixed` is the register with the next eight bytes already in it.
inline fn step(mixed: u64) u64 {
    var state: u64 = 0;
    inline for (0..8) |i| state ^= effect(7 - i, byte_at(mixed, i));
    return state;
}

/// Fewer than eight bytes, none of which waits for another.
inline fn step_tail(register: u64, bytes: []const u8) u64 {
    var state = register >> @intCast(8 * bytes.len);
    for (bytes, 0..) |byte, i| state ^= effect(bytes.len - 1 - i, byte ^ byte_at(register, i));
    return state;
}

inline fn word(bytes: []const u8) u64 {
    return std.mem.readInt(u64, bytes[0..8], .little);
}

inline fn byte_at(register: u64, index: usize) u8 {
    return @truncate(register >> @intCast(8 * index));
}
