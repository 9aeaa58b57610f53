//! The 13 bytes against the shared vectors: the same file that the TypeScript suites read. The core is
//! imported as a module, as another program would.
const std = @import("std");
const core = @import("core");
const testing = std.testing;
const Config = core.config.Config;

const Bytes = struct { hex: []const u8, repeat: usize };

const Vectors = struct {
    crc64: []const struct { bytes: Bytes, crc: []const u8 },
    murmur3: []const struct { hex: []const u8, seed: u32, hash: u32 },
    rollouts: []const struct { feature: []const u8, key: []const u8, bucket: u32 },
    configs: []const struct { config: []const u8, faults: u32 },
    records: []const struct { config: []const u8, record: []const u8 },
    badRecords: []const struct { record: []const u8, code: []const u8 },
    frames: []const struct { type: u8, offset: u32, value: []const u8, bytes: []const u8 },
    badFrames: []const struct { bytes: []const u8, fault: []const u8 },
    headers: []const struct { name: []const u8, config: []const u8, value: []const u8 },
    badHeaders: []const struct { name: []const u8, value: []const u8 },
    cells: []const struct { config: []const u8, revision: u64, words: [4]u32 },
};

/// The vectors, and the memory of one test; everything is given back at its end.
const Case = struct {
    arena: std.heap.ArenaAllocator,
    vectors: Vectors,

    fn init() !Case {
        var arena: std.heap.ArenaAllocator = .init(testing.allocator);
        errdefer arena.deinit();
        const text = @embedFile("vectors.json");
        const vectors = try std.json.parseFromSliceLeaky(Vectors, arena.allocator(), text, .{
            .ignore_unknown_fields = true,
        });
        return .{ .arena = arena, .vectors = vectors };
    }

    fn deinit(case: *Case) void {
        case.arena.deinit();
    }

    fn unhex(case: *Case, digits: []const u8) ![]u8 {
        const bytes = try case.arena.allocator().alloc(u8, digits.len / 2);
        return std.fmt.hexToBytes(bytes, digits);
    }

    fn config(case: *Case, digits: []const u8) !Config {
        const bytes = try case.unhex(digits);
        return Config.from_bytes(bytes[0..core.config.config_size]);
    }
};

test "the default config has the documented bytes" {
    const expected = [_]u8{ 1, 0x9a, 0xd1, 0x0e, 0x93, 0, 0, 0, 0, 1, 24, 80, 0 };
    try testing.expectEqualSlices(u8, &expected, (Config{}).as_bytes());
}

test "a change makes a new config and leaves the old one as it was" {
    const before: Config = .{};
    const kept = before.as_bytes().*;
    var after = before;
    after.feature_flags.metrics = true;
    after.rows = 50;
    try testing.expectEqualSlices(u8, &kept, before.as_bytes());
    try testing.expectEqual(@as(u32, 1 << 6), @as(u32, @bitCast(after.feature_flags)));
    try testing.expect(before.changed(after).rows and before.changed(after).feature_flags);
}

test "checksums" {
    var case = try Case.init();
    defer case.deinit();
    for (case.vectors.crc64) |vector| {
        const part = try case.unhex(vector.bytes.hex);
        const whole = try case.arena.allocator().alloc(u8, part.len * vector.bytes.repeat);
        for (0..vector.bytes.repeat) |i| @memcpy(whole[i * part.len ..][0..part.len], part);
        const expected = try std.fmt.parseInt(u64, vector.crc, 16);
        try testing.expectEqual(expected, core.crc64.compute(whole));
        try testing.expectEqual(expected, core.crc64.byte_table(whole));
    }
}

test "hashes and rollout buckets" {
    var case = try Case.init();
    defer case.deinit();
    for (case.vectors.murmur3) |vector| {
        const bytes = try case.unhex(vector.hex);
        try testing.expectEqual(vector.hash, core.rollout.murmur3(bytes, vector.seed));
    }
    try testing.expectEqual(@as(usize, 100), case.vectors.rollouts.len);
    for (case.vectors.rollouts) |vector| {
        const parts = [_][]const u8{ vector.feature, ":", vector.key };
        const text = try std.mem.concat(case.arena.allocator(), u8, &parts);
        try testing.expectEqual(vector.bucket, core.rollout.bucket(text));
    }
}

test "faults of configs" {
    var case = try Case.init();
    defer case.deinit();
    for (case.vectors.configs) |vector| {
        const config = try case.config(vector.config);
        try testing.expectEqual(vector.faults, @as(u32, @bitCast(config.faults())));
    }
}

test "records" {
    var case = try Case.init();
    defer case.deinit();
    for (case.vectors.records) |vector| {
        const record = core.record.Record.seal(try case.config(vector.config));
        try testing.expectEqualSlices(u8, try case.unhex(vector.record), std.mem.asBytes(&record));
    }
    for (case.vectors.badRecords) |vector| {
        const bytes = try case.unhex(vector.record);
        try testing.expectEqualStrings(vector.code, record_code(bytes));
    }
}

fn record_code(bytes: []const u8) []const u8 {
    if (bytes.len != core.record.record_size) return "ERR_CONFIG_LENGTH";
    const record: core.record.Record = @bitCast(bytes[0..core.record.record_size].*);
    return switch (record.check() orelse return "none") {
        .magic => "ERR_RECORD_MAGIC",
        .checksum => "ERR_RECORD_CHECKSUM",
        .reserved => "ERR_RECORD_RESERVED",
    };
}

test "frames" {
    var case = try Case.init();
    defer case.deinit();
    for (case.vectors.frames) |vector| {
        const frame: core.frame.Frame = .{
            .frame_type = @enumFromInt(vector.type),
            .offset = vector.offset,
            .value = try std.fmt.parseInt(u64, vector.value, 10),
        };
        const bytes = try case.unhex(vector.bytes);
        var encoded: [core.frame.frame_size]u8 = undefined;
        core.frame.encode(frame, &encoded);
        try testing.expectEqualSlices(u8, bytes, &encoded);
        var decoded: core.frame.Frame = undefined;
        try testing.expectEqual(null, core.frame.decode(bytes, &decoded));
        try testing.expectEqual(frame, decoded);
    }
    for (case.vectors.badFrames) |vector| {
        var decoded: core.frame.Frame = undefined;
        const fault = core.frame.decode(try case.unhex(vector.bytes), &decoded).?;
        const name = if (fault == .frame_type) "type" else @tagName(fault);
        try testing.expectEqualStrings(vector.fault, name);
    }
}

const header_names = [_][]const u8{
    "x-bun-config-version",
    "x-bun-registry-hash",
    "x-bun-feature-flags",
    "x-bun-terminal-mode",
    "x-bun-terminal-rows",
    "x-bun-terminal-cols",
    "x-bun-config-dump",
};

fn header_of(name: []const u8) core.headers.Header {
    for (header_names, 0..) |known, i| {
        if (std.mem.eql(u8, known, name)) return @enumFromInt(i);
    }
    unreachable; // the vectors name no other
}

test "headers" {
    var case = try Case.init();
    defer case.deinit();
    for (case.vectors.headers) |vector| {
        const header = header_of(vector.name);
        const config = try case.config(vector.config);
        var buffer: [core.headers.value_size_max]u8 = undefined;
        const length = try core.headers.format(header, config, &buffer);
        try testing.expectEqualStrings(vector.value, buffer[0..length]);
        const parsed = try core.headers.parse(header, vector.value);
        if (header == .config_dump) {
            try testing.expectEqual(config, parsed.config);
        } else {
            try testing.expectEqual(try std.fmt.parseInt(u32, vector.value, 0), parsed.number);
        }
    }
    for (case.vectors.badHeaders) |vector| {
        const parsed = core.headers.parse(header_of(vector.name), vector.value);
        try testing.expect(std.meta.isError(parsed));
    }
}

test "words of cells" {
    var case = try Case.init();
    defer case.deinit();
    for (case.vectors.cells) |vector| {
        const value = core.cell.Value.of(try case.config(vector.config), vector.revision);
        const words: [4]u32 = @bitCast(@as(u128, @bitCast(value)));
        try testing.expectEqual(vector.words, words);
    }
}

test "a slot shows the last of many changes, numbered without a gap" {
    var slot = std.mem.zeroes(core.slot.Slot);
    for (1..1001) |revision| {
        var request = std.mem.zeroes(core.slot.Swap);
        request.expected = @bitCast(@as(u128, @bitCast(slot.cell.load())));
        const config: Config = .{ .rows = @intCast(revision % 255 + 1) };
        request.desired = @bitCast(@as(u128, @bitCast(core.cell.Value.of(config, 0))));
        request.at_ms = revision;
        try testing.expectEqual(revision, try slot.swap(&request, null));
        const image = try slot.read();
        try testing.expectEqual(config, image.config);
        try testing.expectEqual(@as(u64, revision), image.modified_at_ms);
    }
}
