//! Flags of many configs turned on their side: one bitmap a feature. Counting the configs that have a
//! feature on then reads one bit each instead of thirteen bytes. Kept up to date by every write.
const std = @import("std");
const assert = std.debug.assert;
const flags_module = @import("flags.zig");
const FlagQuery = flags_module.FlagQuery;
const feature_count = flags_module.feature_count;

pub const capacity_max = 1 << 24;

/// Configs come in groups of 512, so that a bitmap is whole cache lines.
const group = 512;
const Lane = @Vector(8, u64);

/// The caller's memory: this header, then 33 bitmaps (one a feature, and which configs exist).
pub const Columns = extern struct {
    capacity: u32,
    words_per_column: u32,
    _: [14]u32,

    comptime {
        assert(@sizeOf(Columns) == 64);
    }

    const presence = feature_count;

    /// Bytes of memory, 64-byte aligned, that `capacity` configs need; null when that is out of range.
    pub fn size_bytes(capacity: u32) ?u32 {
        if (capacity == 0 or capacity > capacity_max) return null;
        return @sizeOf(Columns) + (feature_count + 1) * (rounded(capacity) / 8);
    }

    pub fn init(columns: *align(64) Columns, capacity: u32) void {
        assert(capacity > 0 and capacity <= capacity_max);
        columns.* = .{
            .capacity = capacity,
            .words_per_column = rounded(capacity) / 64,
            ._ = @splat(0),
        };
        for (0..feature_count + 1) |i| @memset(columns.column(i), 0);
    }

    /// Tells the columns what config `index` has on. False when the index is out of range.
    pub fn write(columns: *align(64) Columns, index: u32, flags: u32) bool {
        if (index >= columns.capacity) return false;
        for (0..feature_count) |i| {
            columns.put(i, index, flags >> @intCast(i) & 1 == 1);
        }
        columns.put(presence, index, true);
        return true;
    }

    pub fn remove(columns: *align(64) Columns, index: u32) bool {
        if (index >= columns.capacity) return false;
        for (0..feature_count + 1) |i| columns.put(i, index, false);
        return true;
    }

    pub fn count(columns: *align(64) Columns, query: FlagQuery) u32 {
        if (@popCount(query.on) == 1 and query.off == 0) return columns.count_one(@ctz(query.on));
        var total: u32 = 0;
        var at: usize = 0;
        while (at < columns.words_per_column) : (at += 8) {
            const matched: [8]u64 = columns.matching(query, at);
            inline for (matched) |word| total += @popCount(word);
        }
        return total;
    }

    /// The question asked most: who has this one feature on?
    fn count_one(columns: *align(64) Columns, feature: u6) u32 {
        var total: u32 = 0;
        const words = columns.column(feature);
        var at: usize = 0;
        while (at < words.len) : (at += 8) {
            const group_words: [8]u64 = words[at..][0..8].*;
            inline for (group_words) |word| total += @popCount(word);
        }
        return total;
    }

    /// Writes the numbers of matching configs, ascending, beginning at `first`; returns how many.
    pub fn list(columns: *align(64) Columns, query: FlagQuery, first: u32, out: []u32) u32 {
        var found: u32 = 0;
        var at: usize = first / group * 8;
        while (at < columns.words_per_column) : (at += 8) {
            const matched: [8]u64 = columns.matching(query, at);
            for (matched, at..) |word, word_index| {
                var rest = word;
                while (rest != 0) : (rest &= rest - 1) {
                    const index: u32 = @intCast(word_index * 64 + @ctz(rest));
                    if (index < first) continue;
                    if (found == out.len) return found;
                    out[found] = index;
                    found += 1;
                }
            }
        }
        return found;
    }

    /// 512 configs at once: one bit for each that exists and matches.
    inline fn matching(columns: *align(64) Columns, query: FlagQuery, at: usize) Lane {
        var on = query.on;
        // A config that does not exist has every bit 0, so its presence need not be read beside a feature.
        const first = if (on == 0) presence else @ctz(on);
        var bits: Lane = columns.column(first)[at..][0..8].*;
        on &= on -% 1;
        while (on != 0) : (on &= on - 1) bits &= @as(Lane, columns.column(@ctz(on))[at..][0..8].*);
        var off = query.off;
        while (off != 0) : (off &= off - 1) bits &= ~@as(Lane, columns.column(@ctz(off))[at..][0..8].*);
        return bits;
    }

    fn column(columns: *align(64) Columns, index: usize) []align(64) u64 {
        assert(index <= presence);
        const first: [*]align(64) u8 = @ptrCast(columns);
        const offset = @sizeOf(Columns) + index * columns.words_per_column * 8;
        const words: [*]align(64) u64 = @ptrCast(@alignCast(first + offset));
        return words[0..columns.words_per_column];
    }

    fn put(columns: *align(64) Columns, index: usize, config: u32, value: bool) void {
        const word = &columns.column(index)[config / 64];
        const bit = @as(u64, 1) << @intCast(config % 64);
        word.* = if (value) word.* | bit else word.* & ~bit;
    }

    fn rounded(capacity: u32) u32 {
        return std.mem.alignForward(u32, capacity, group);
    }
};

test "columns agree with a row scan after random writes and removals" {
    const capacity = 1000;
    var memory: [Columns.size_bytes(capacity).?]u8 align(64) = undefined;
    const columns: *align(64) Columns = @ptrCast(&memory);
    columns.init(capacity);
    var rows = [_]?u32{null} ** capacity;
    var prng = std.Random.DefaultPrng.init(42);
    const random = prng.random();
    for (0..5_000) |_| {
        const index = random.uintLessThan(u32, capacity);
        if (random.uintLessThan(u8, 5) == 0) {
            try std.testing.expect(columns.remove(index));
            rows[index] = null;
        } else {
            const flags = random.int(u32);
            try std.testing.expect(columns.write(index, flags));
            rows[index] = flags;
        }
    }
    for (0..200) |_| {
        const query: FlagQuery = .{
            .on = random.int(u32) & random.int(u32) & random.int(u32),
            .off = random.int(u32) & random.int(u32) & random.int(u32),
        };
        var expected: [capacity]u32 = undefined;
        var expected_count: u32 = 0;
        for (rows, 0..) |flags, i| {
            if (flags != null and query.matches(flags.?)) {
                expected[expected_count] = @intCast(i);
                expected_count += 1;
            }
        }
        try std.testing.expectEqual(expected_count, columns.count(query));
        var listed: [capacity]u32 = undefined;
        const first = random.uintLessThan(u32, capacity);
        const found = columns.list(query, first, &listed);
        var skipped: u32 = 0;
        while (skipped < expected_count and expected[skipped] < first) skipped += 1;
        try std.testing.expectEqualSlices(u32, expected[skipped..expected_count], listed[0..found]);
    }
}

test "counting one feature passes over what was removed" {
    const capacity = 1030;
    var memory: [Columns.size_bytes(capacity).?]u8 align(64) = undefined;
    const columns: *align(64) Columns = @ptrCast(&memory);
    columns.init(capacity);
    var expected: [feature_count]u32 = @splat(0);
    var prng = std.Random.DefaultPrng.init(42);
    for (0..capacity) |index| {
        const on = prng.random().int(u32);
        try std.testing.expect(columns.write(@intCast(index), on));
        if (index % 3 == 0) {
            try std.testing.expect(columns.remove(@intCast(index)));
            continue;
        }
        for (&expected, 0..) |*count, bit| count.* += on >> @intCast(bit) & 1;
    }
    for (expected, 0..) |count, bit| {
        try std.testing.expectEqual(count, columns.count(.{ .on = @as(u32, 1) << @intCast(bit), .off = 0 }));
    }
}

test "bounds" {
    try std.testing.expectEqual(null, Columns.size_bytes(0));
    try std.testing.expectEqual(null, Columns.size_bytes(capacity_max + 1));
    var memory: [Columns.size_bytes(1).?]u8 align(64) = undefined;
    const columns: *align(64) Columns = @ptrCast(&memory);
    columns.init(1);
    try std.testing.expect(!columns.write(1, 0));
    try std.testing.expect(!columns.remove(1));
    try std.testing.expect(columns.write(0, 0));
    try std.testing.expectEqual(@as(u32, 1), columns.count(.{ .on = 0, .off = 0xffff_ffff }));
    var none: [0]u32 = .{};
    try std.testing.expectEqual(@as(u32, 0), columns.list(.{ .on = 0, .off = 0 }, 0, &none));
}
