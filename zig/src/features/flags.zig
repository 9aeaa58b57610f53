//! The 32 features of a config: named bits 0-11, the user's own 12-31, and changes to one or many configs.
const std = @import("std");
const assert = std.debug.assert;
const config_module = @import("../immutable/config.zig");
const Config = config_module.Config;
const config_size = config_module.config_size;

/// A set bit means: on for everyone. Bits never move; 12-31 are named by the user.
pub const FeatureFlags = packed struct(u32) {
    premium_types: bool = false,
    private_registry: bool = false,
    debug: bool = false,
    proxy_mode: bool = false,
    binary_protocol: bool = false,
    cache_enabled: bool = false,
    metrics: bool = false,
    logging: bool = false,
    verbose: bool = false,
    encryption: bool = false,
    maintenance_mode: bool = false,
    beta_feature: bool = false,
    user: u20 = 0,

    comptime {
        assert(@sizeOf(FeatureFlags) == 4);
        assert(@bitOffsetOf(FeatureFlags, "debug") == 2);
        assert(@bitOffsetOf(FeatureFlags, "logging") == 7);
        assert(@bitOffsetOf(FeatureFlags, "beta_feature") == 11);
        assert(@bitOffsetOf(FeatureFlags, "user") == 12);
    }
};

pub const feature_count = 32;

/// Set first, then clear, then toggle.
pub const FlagChange = extern struct {
    set: u32,
    clear: u32,
    toggle: u32,

    pub fn apply(change: FlagChange, flags: u32) u32 {
        return ((flags | change.set) & ~change.clear) ^ change.toggle;
    }
};

/// Every bit of `on` is set and none of `off`.
pub const FlagQuery = extern struct {
    on: u32,
    off: u32,

    pub fn matches(query: FlagQuery, flags: u32) bool {
        return flags & query.on == query.on and flags & query.off == 0;
    }
};

/// Changes every config in place and returns how many became different.
pub fn apply_all(configs: []align(1) Config, change: FlagChange) u32 {
    var changed: u32 = 0;
    for (configs) |*config| {
        const before: u32 = @bitCast(config.feature_flags);
        const after = change.apply(before);
        changed += @intFromBool(after != before);
        config.feature_flags = @bitCast(after);
    }
    return changed;
}

/// Counts the configs that match by looking at each: what the columns are compared with.
pub fn count_rows(configs: []align(1) const Config, query: FlagQuery) u32 {
    var count: u32 = 0;
    for (configs) |*config| {
        count += @intFromBool(query.matches(@bitCast(config.feature_flags)));
    }
    return count;
}

/// The configs that lie one after another in `bytes`; null when a part of one is left over.
pub fn configs_of(bytes: []u8) ?[]align(1) Config {
    if (bytes.len % config_size != 0) return null;
    return @ptrCast(bytes);
}

test "a change sets, clears and toggles in this order" {
    const change: FlagChange = .{ .set = 0b0011, .clear = 0b0110, .toggle = 0b1001 };
    try std.testing.expectEqual(@as(u32, 0b1000), change.apply(0b0100));
    try std.testing.expectEqual(@as(u32, 0x8000_0000), (FlagChange{
        .set = 0x8000_0000,
        .clear = 0,
        .toggle = 0,
    }).apply(0));
}

test "bulk equals one by one" {
    var random = std.Random.DefaultPrng.init(7);
    var bytes: [100 * config_size]u8 = undefined;
    random.fill(&bytes);
    const configs = configs_of(&bytes).?;
    const change: FlagChange = .{ .set = 1 << 31, .clear = 1 << 2, .toggle = 1 << 12 };
    var expected_changed: u32 = 0;
    var expected: [100]u32 = undefined;
    for (configs, &expected) |config, *flags| {
        flags.* = change.apply(@bitCast(config.feature_flags));
        expected_changed += @intFromBool(flags.* != @as(u32, @bitCast(config.feature_flags)));
    }
    try std.testing.expectEqual(expected_changed, apply_all(configs, change));
    for (configs, expected) |config, flags| {
        try std.testing.expectEqual(flags, @as(u32, @bitCast(config.feature_flags)));
    }
    try std.testing.expectEqual(@as(u32, 100), count_rows(configs, .{ .on = 1 << 31, .off = 1 << 2 }));
    try std.testing.expectEqual(null, configs_of(bytes[0..12]));
}
