//! Which share of keys a feature is on for. The bucket depends on feature and key alone, so an answer is
//! sticky, and raising a percentage never removes anybody.
const std = @import("std");
const Murmur3 = std.hash.Murmur3_32;

/// Seed of the buckets and of the registry hash. Published with the vectors: never changes.
pub const seed: u32 = 0x9747b28c;

/// Rollouts are counted in basis points: 10,000 is everyone.
pub const rollout_max = 10_000;

pub fn murmur3(bytes: []const u8, hash_seed: u32) u32 {
    return Murmur3.hashWithSeed(bytes, hash_seed);
}

/// 0-9999 for the UTF-8 bytes of `feature:key`: floor(murmur3 * 10000 / 2^32).
pub fn bucket(feature_and_key: []const u8) u32 {
    return @intCast((@as(u64, murmur3(feature_and_key, seed)) * rollout_max) >> 32);
}

test "published MurmurHash3 x86_32 vectors" {
    // From the reference implementation's SMHasher, as listed by its ports.
    try std.testing.expectEqual(@as(u32, 0x00000000), murmur3("", 0));
    try std.testing.expectEqual(@as(u32, 0x514e28b7), murmur3("", 1));
    try std.testing.expectEqual(@as(u32, 0x81f16f39), murmur3("", 0xffffffff));
    try std.testing.expectEqual(@as(u32, 0x5a97808a), murmur3("aaaa", seed));
    try std.testing.expectEqual(@as(u32, 0x24884cba), murmur3("Hello, world!", seed));
    try std.testing.expectEqual(
        @as(u32, 0x2fa826cd),
        murmur3("The quick brown fox jumps over the lazy dog", seed),
    );
}

test "buckets fill evenly" {
    var counts = [_]u32{0} ** 10;
    var buffer: [32]u8 = undefined;
    for (0..100_000) |i| {
        const text = try std.fmt.bufPrint(&buffer, "new_checkout:user-{d}", .{i});
        counts[bucket(text) / 1000] += 1;
    }
    // Ten binomial(100000, 0.1) counts: five standard deviations are 475.
    for (counts) |count| try std.testing.expect(count > 9_525 and count < 10_475);
}
