//! The 32-byte record: a config as it is stored and sent, with what shows that it arrived whole.
//! Frozen: a change of meaning gets a new magic.
const std = @import("std");
const assert = std.debug.assert;
const crc64 = @import("crc64.zig");
const config_module = @import("config.zig");
const Config = config_module.Config;

pub const record_size = 32;
pub const magic = "C13\x01".*;

pub const Record = extern struct {
    magic: [4]u8,
    config: Config,
    zeros: [7]u8,
    checksum: u64,

    comptime {
        assert(@sizeOf(Record) == record_size);
        assert(@offsetOf(Record, "magic") == 0);
        assert(@offsetOf(Record, "config") == 4);
        assert(@offsetOf(Record, "zeros") == 17);
        assert(@offsetOf(Record, "checksum") == 24);
    }

    pub fn seal(config: Config) Record {
        var record: Record = .{ .magic = magic, .config = config, .zeros = @splat(0), .checksum = 0 };
        record.checksum = record.computed();
        assert(record.check() == null);
        return record;
    }

    pub const Fault = enum { magic, reserved, checksum };

    /// What is wrong with the record, the first fault in the order a reader meets it; null when it is whole.
    pub fn check(record: *const Record) ?Fault {
        if (!std.mem.eql(u8, &record.magic, &magic)) return .magic;
        if (record.checksum != record.computed()) return .checksum;
        if (!std.mem.allEqual(u8, &record.zeros, 0)) return .reserved;
        return null;
    }

    fn computed(record: *const Record) u64 {
        const bytes: *const [record_size]u8 = @ptrCast(record);
        return crc64.compute(bytes[0..@offsetOf(Record, "checksum")]);
    }
};

test "every 1-bit and 2-bit error is found" {
    const whole = Record.seal(.{ .feature_flags = @bitCast(@as(u32, 0xBFF)) });
    try std.testing.expectEqual(null, whole.check());
    for (0..record_size * 8) |i| {
        var one = whole;
        flip(&one, i);
        try std.testing.expect(one.check() != null);
        for (i + 1..record_size * 8) |j| {
            var two = one;
            flip(&two, j);
            try std.testing.expect(two.check() != null);
        }
    }
}

test "a record with anything in its zeros is refused even when its checksum is right" {
    var record = Record.seal(.{});
    record.zeros[3] = 1;
    record.checksum = record.computed();
    try std.testing.expectEqual(Record.Fault.reserved, record.check());
}

test "zeros are not a record" {
    const bytes: [record_size]u8 align(8) = @splat(0);
    const record: *const Record = @ptrCast(&bytes);
    try std.testing.expectEqual(Record.Fault.magic, record.check());
}

fn flip(record: *Record, bit: usize) void {
    const bytes: *[record_size]u8 = @ptrCast(record);
    bytes[bit / 8] ^= @as(u8, 1) << @intCast(bit % 8);
}
