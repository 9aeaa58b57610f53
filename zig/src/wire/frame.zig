//! The 14-byte frame of the WebSocket subprotocol `bun.config.v1`. Frozen. Every byte pattern that is not
//! exactly a frame of a known type with a value in range is refused, by name.
const std = @import("std");
const assert = std.debug.assert;
const config_module = @import("../immutable/config.zig");

pub const frame_size = 14;

pub const FrameType = enum(u8) {
    config_update = 1,
    feature_toggle = 2,
    package_published = 3,
    terminal_resize = 4,
    heartbeat = 5,
    broadcast = 6,
    @"error" = 7,
    _,
};

/// Byte offsets count in the 32-byte record, whose first four bytes are its magic.
pub const record_offset_version = 4;
pub const record_offset_registry_hash = 5;
pub const record_offset_feature_flags = 9;
pub const record_offset_terminal_mode = 13;
pub const record_offset_rows = 14;
pub const record_offset_cols = 15;

/// As it crosses the border to JavaScript.
pub const Frame = extern struct {
    value: u64,
    offset: u32,
    frame_type: FrameType,
    _: [3]u8 = @splat(0),

    comptime {
        assert(@sizeOf(Frame) == 16);
    }
};

pub const Fault = enum { length, checksum, frame_type, offset, value };

pub fn encode(frame: Frame, out: *[frame_size]u8) void {
    out[0] = @intFromEnum(frame.frame_type);
    std.mem.writeInt(u32, out[1..5], frame.offset, .little);
    std.mem.writeInt(u64, out[5..13], frame.value, .little);
    out[13] = checksum(out[0..13]);
}

/// The first fault a receiver meets, or null and `frame` filled.
pub fn decode(bytes: []const u8, frame: *Frame) ?Fault {
    if (bytes.len != frame_size) return .length;
    if (bytes[13] != checksum(bytes[0..13])) return .checksum;
    frame.* = .{
        .frame_type = @enumFromInt(bytes[0]),
        .offset = std.mem.readInt(u32, bytes[1..5], .little),
        .value = std.mem.readInt(u64, bytes[5..13], .little),
    };
    return check(frame.*);
}

/// What keeps a frame from having a meaning.
pub fn check(frame: Frame) ?Fault {
    switch (frame.frame_type) {
        .config_update => return check_field(frame),
        .feature_toggle => {
            if (frame.offset != record_offset_feature_flags) return .offset;
            // Low 32 bits: the mask; bit 32: on or off.
            if (frame.value >= 1 << 33) return .value;
        },
        .terminal_resize => {
            if (frame.offset != record_offset_rows) return .offset;
            if (frame.value & 0xff == 0 or frame.value >> 8 == 0 or frame.value > 0xffff) return .value;
        },
        .package_published, .heartbeat, .broadcast, .@"error" => {
            if (frame.offset != 0) return .offset;
        },
        _ => return .frame_type,
    }
    return null;
}

fn check_field(frame: Frame) ?Fault {
    const smallest: u64, const largest: u64 = switch (frame.offset) {
        record_offset_version => .{ 0, 1 },
        record_offset_registry_hash, record_offset_feature_flags => .{ 0, std.math.maxInt(u32) },
        record_offset_terminal_mode => .{ 0, 3 },
        record_offset_rows, record_offset_cols => .{ 1, 255 },
        else => return .offset,
    };
    return if (frame.value < smallest or frame.value > largest) .value else null;
}

fn checksum(bytes: *const [13]u8) u8 {
    var xor: u8 = 0;
    for (bytes) |byte| xor ^= byte;
    return xor;
}

test "the documented frame sets raw mode" {
    const bytes = [_]u8{ 1, 13, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1 ^ 13 ^ 2 };
    var frame: Frame = undefined;
    try std.testing.expectEqual(null, decode(&bytes, &frame));
    try std.testing.expectEqual(FrameType.config_update, frame.frame_type);
    try std.testing.expectEqual(@as(u32, record_offset_terminal_mode), frame.offset);
    try std.testing.expectEqual(@as(u64, 2), frame.value);
    var encoded: [frame_size]u8 = undefined;
    encode(frame, &encoded);
    try std.testing.expectEqualSlices(u8, &bytes, &encoded);
}

test "random bytes are refused or are the encoding of what they decode to" {
    var prng = std.Random.DefaultPrng.init(14);
    for (0..50_000) |i| {
        var bytes: [frame_size + 1]u8 = undefined;
        prng.fill(&bytes);
        bytes[0] %= 9;
        if (i % 2 == 0) @memset(bytes[2..5], 0);
        if (i % 3 == 0) @memset(bytes[6..13], 0);
        bytes[13] = checksum(bytes[0..13]);
        var frame: Frame = undefined;
        try std.testing.expectEqual(Fault.length, decode(&bytes, &frame));
        if (decode(bytes[0..frame_size], &frame)) |fault| {
            try std.testing.expect(fault != .length and fault != .checksum);
            continue;
        }
        var encoded: [frame_size]u8 = undefined;
        encode(frame, &encoded);
        try std.testing.expectEqualSlices(u8, bytes[0..frame_size], &encoded);
        encoded[i % frame_size] ^= 0x20;
        try std.testing.expectEqual(Fault.checksum, decode(&encoded, &frame));
    }
}
