//! The 13 bytes. Everything else in this project stores, sends, shares or explains this value.
//! A config is immutable: a change makes a new one. Any 13 bytes decode; validity is a question of its own.
const std = @import("std");
const builtin = @import("builtin");
const assert = std.debug.assert;
const FeatureFlags = @import("../features/flags.zig").FeatureFlags;

comptime {
    // All stored and shared bytes are little-endian and are read in place.
    assert(builtin.cpu.arch.endian() == .little);
}

pub const config_size = 13;

/// MurmurHash3 x86_32, seed 0x9747b28c, of the public npm registry's URL without trailing slash.
pub const default_registry_hash: u32 = 0x930ed19a;

pub const Version = enum(u8) { legacy = 0, modern = 1, _ };

pub const TerminalMode = enum(u8) { disabled = 0, cooked = 1, raw = 2, pipe = 3, _ };

/// Stored and sent: fields never move and never change meaning.
pub const Config = extern struct {
    version: Version align(1) = .modern,
    registry_hash: u32 align(1) = default_registry_hash,
    feature_flags: FeatureFlags align(1) = .{},
    terminal_mode: TerminalMode align(1) = .cooked,
    rows: u8 align(1) = 24,
    cols: u8 align(1) = 80,
    reserved: u8 align(1) = 0,

    comptime {
        assert(@sizeOf(Config) == config_size);
        assert(@alignOf(Config) == 1);
        assert(@offsetOf(Config, "version") == 0);
        assert(@offsetOf(Config, "registry_hash") == 1);
        assert(@offsetOf(Config, "feature_flags") == 5);
        assert(@offsetOf(Config, "terminal_mode") == 9);
        assert(@offsetOf(Config, "rows") == 10);
        assert(@offsetOf(Config, "cols") == 11);
        assert(@offsetOf(Config, "reserved") == 12);
    }

    pub fn as_bytes(config: *const Config) *const [config_size]u8 {
        return @ptrCast(config);
    }

    pub fn from_bytes(bytes: *const [config_size]u8) Config {
        return @bitCast(bytes.*);
    }

    /// What keeps this config from being valid; no bit set means valid.
    pub fn faults(config: Config) ConfigFault {
        return .{
            .version = @intFromEnum(config.version) > @intFromEnum(Version.modern),
            .terminal_mode = @intFromEnum(config.terminal_mode) > @intFromEnum(TerminalMode.pipe),
            .rows = config.rows == 0,
            .cols = config.cols == 0,
            .reserved = config.reserved != 0,
        };
    }

    /// Which fields differ, for history and analytics.
    pub fn changed(before: Config, after: Config) ConfigField {
        return .{
            .version = before.version != after.version,
            .registry_hash = before.registry_hash != after.registry_hash,
            .feature_flags = before.feature_flags != after.feature_flags,
            .terminal_mode = before.terminal_mode != after.terminal_mode,
            .rows = before.rows != after.rows,
            .cols = before.cols != after.cols,
        };
    }
};

/// One bit per reason. Sent across the border: bits never move.
pub const ConfigFault = packed struct(u32) {
    version: bool = false,
    terminal_mode: bool = false,
    rows: bool = false,
    cols: bool = false,
    reserved: bool = false,
    _: u27 = 0,
};

/// One bit per field that can change; `rollouts` stands for the 32 percentages beside the config.
pub const ConfigField = packed struct(u8) {
    version: bool = false,
    registry_hash: bool = false,
    feature_flags: bool = false,
    terminal_mode: bool = false,
    rows: bool = false,
    cols: bool = false,
    rollouts: bool = false,
    _: u1 = 0,
};

test "the default config is valid and has the documented bytes" {
    const config: Config = .{};
    try std.testing.expectEqual(@as(u32, 0), @as(u32, @bitCast(config.faults())));
    try std.testing.expectEqualSlices(
        u8,
        &.{ 1, 0x9a, 0xd1, 0x0e, 0x93, 0, 0, 0, 0, 1, 24, 80, 0 },
        config.as_bytes(),
    );
}

test "any 13 bytes decode and encode to themselves" {
    var random = std.Random.DefaultPrng.init(13);
    for (0..10_000) |_| {
        var bytes: [config_size]u8 = undefined;
        random.fill(&bytes);
        const config = Config.from_bytes(&bytes);
        try std.testing.expectEqualSlices(u8, &bytes, config.as_bytes());
        const valid = bytes[0] <= 1 and bytes[9] <= 3 and bytes[10] > 0 and bytes[11] > 0 and
            bytes[12] == 0;
        try std.testing.expectEqual(valid, @as(u32, @bitCast(config.faults())) == 0);
    }
}

test "changed names exactly the fields that differ" {
    const before: Config = .{};
    var after = before;
    after.rows = 50;
    after.feature_flags.debug = true;
    const expected: ConfigField = .{ .rows = true, .feature_flags = true };
    try std.testing.expectEqual(expected, before.changed(after));
    try std.testing.expectEqual(ConfigField{}, before.changed(before));
}
