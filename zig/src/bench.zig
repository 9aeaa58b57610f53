//! The core timed in Zig alone: the difference to the same operation through FFI or WebAssembly is the border.
//! Prints a line a case for `bench/main.ts`: suite, operation, p50 and p99 in nanoseconds, a hash of the work. It is
//! also a test, with tiny input, so that it cannot rot.
const std = @import("std");
const Config = @import("immutable/config.zig").Config;
const Record = @import("immutable/record.zig").Record;
const crc64 = @import("immutable/crc64.zig");
const History = @import("immutable/history.zig").History;
const flags = @import("features/flags.zig");
const rollout = @import("features/rollout.zig");
const Columns = @import("features/columns.zig").Columns;
const slot_module = @import("shared/slot.zig");
const clock = @import("shared/clock.zig");
const frame_module = @import("wire/frame.zig");
const headers = @import("wire/headers.zig");
const Slot = slot_module.Slot;

const seed = 42;

const Bench = struct {
    out: *std.Io.Writer,
    tiny: bool,
    samples: [101]u64 = undefined,

    /// Times `work.run(pass)`, which returns something of what it did. `batch`: how many operations one pass is.
    fn run(bench: *Bench, suite: []const u8, operation: []const u8, batch: u64, work: anytype) !void {
        var hash: u64 = 0;
        const passes = bench.passes_for(work, &hash);
        const samples = if (bench.tiny) bench.samples[0..3] else &bench.samples;
        for (samples) |*sample| {
            const began = clock.monotonic_ns();
            for (0..passes) |pass| hash +%= result_of(work, pass);
            sample.* = clock.monotonic_ns() - began;
        }
        std.mem.sort(u64, samples, {}, std.sort.asc(u64));
        const each: f64 = @floatFromInt(passes * batch);
        const p50: f64 = @floatFromInt(samples[samples.len / 2]);
        const p99: f64 = @floatFromInt(samples[samples.len * 99 / 100]);
        try bench.out.print("{s}\t{s}\t{d:.4}\t{d:.4}\t{d}\n", .{
            suite,                     operation,
            p50 / each,                p99 / each,
            @as(u32, @truncate(hash)),
        });
    }

    /// As many as take a millisecond; finding that out is the warm-up.
    fn passes_for(bench: *const Bench, work: anytype, hash: *u64) u64 {
        if (bench.tiny) return 1;
        var passes: u64 = 1;
        while (true) : (passes *= 2) {
            const began = clock.monotonic_ns();
            for (0..passes) |pass| hash.* +%= result_of(work, pass);
            if (clock.monotonic_ns() - began >= std.time.ns_per_ms) return passes;
        }
    }

    /// Keeps the compiler from seeing that a loop comes to the same as one pass.
    inline fn result_of(work: anytype, pass: u64) u64 {
        const result: u64 = work.run(pass);
        std.mem.doNotOptimizeAway(result);
        return result;
    }
};

pub fn main(init: std.process.Init) !void {
    var buffer: [4096]u8 = undefined;
    var file: std.Io.File.Writer = .init(.stdout(), init.io, &buffer);
    const arguments = try init.minimal.args.toSlice(init.arena.allocator());
    const tiny = arguments.len > 1 and std.mem.eql(u8, arguments[1], "--smoke");
    var bench: Bench = .{ .out = &file.interface, .tiny = tiny };
    try run_all(&bench, std.heap.page_allocator);
    try file.interface.flush();
}

fn run_all(bench: *Bench, allocator: std.mem.Allocator) !void {
    var prng = std.Random.DefaultPrng.init(seed);
    const random = prng.random();
    try run_slots(bench);
    try run_hashes(bench, allocator, random);
    try run_columns(bench, allocator, random);
    try run_wire(bench);
}

const Swapping = struct {
    slot: *Slot,
    history: *History,
    request: *slot_module.Swap,

    fn run(work: Swapping, pass: u64) u64 {
        _ = pass;
        const cell: *const volatile [4]u32 = @ptrCast(&work.slot.cell);
        const expected: *[4]u32 = @ptrCast(&work.request.expected);
        const desired: *[4]u32 = @ptrCast(@alignCast(&work.request.desired));
        for (0..4) |i| expected[i] = cell[i];
        desired.* = expected.*;
        desired[2] ^= 4;
        return work.slot.swap(work.request, work.history) catch unreachable;
    }
};

const Reading = struct {
    slot: *const Slot,

    fn run(work: Reading, pass: u64) u64 {
        const image = work.slot.read() catch |err| switch (err) {
            error.Damaged => unreachable,
        };
        return image.revision +% pass;
    }
};

fn run_slots(bench: *Bench) !void {
    var slot = std.mem.zeroes(Slot);
    var history = std.mem.zeroes(History);
    var request = std.mem.zeroes(slot_module.Swap);
    request.at_ms = 1;
    request.kind = .update;
    request.private = 1;
    try bench.run("config-write", "swap with ring entry", 1, Swapping{
        .slot = &slot,
        .history = &history,
        .request = &request,
    });
    try bench.run("config-read", "slot image by one call", 1, Reading{ .slot = &slot });
}

const Hashing = struct {
    bytes: []const u8,
    kernel: *const fn ([]const u8) u64,

    fn run(work: Hashing, pass: u64) u64 {
        _ = pass;
        return work.kernel(work.bytes);
    }
};

const Deciding = struct {
    fn run(_: Deciding, pass: u64) u64 {
        var text = "new_checkout:user-00000".*;
        text[text.len - 1] += @intCast(pass % 10);
        text[text.len - 2] += @intCast(pass / 10 % 10);
        return rollout.bucket(&text);
    }
};

fn run_hashes(bench: *Bench, allocator: std.mem.Allocator, random: std.Random) !void {
    const large = try allocator.alloc(u8, if (bench.tiny) 4096 else 1 << 20);
    defer allocator.free(large);
    random.bytes(large);
    try bench.run("crc64", "crc64 13 B", 1, Hashing{ .bytes = large[0..13], .kernel = crc64.compute });
    try bench.run("crc64", if (bench.tiny) "crc64 4 KiB" else "crc64 1 MiB", 1, Hashing{
        .bytes = large,
        .kernel = crc64.compute,
    });
    try bench.run("crc64", if (bench.tiny) "byte table 4 KiB" else "byte table 1 MiB", 1, Hashing{
        .bytes = large,
        .kernel = crc64.byte_table,
    });
    try bench.run("rollout", "bucket of a key", 1, Deciding{});
}

const Counting = struct {
    columns: *align(64) Columns,

    fn run(work: Counting, pass: u64) u64 {
        _ = pass;
        return work.columns.count(.{ .on = 1 << 2, .off = 0 });
    }
};

const Scanning = struct {
    configs: []align(1) Config,

    fn run(work: Scanning, pass: u64) u64 {
        _ = pass;
        return flags.count_rows(work.configs, .{ .on = 1 << 2, .off = 0 });
    }
};

const Applying = struct {
    configs: []align(1) Config,

    fn run(work: Applying, pass: u64) u64 {
        const mask: u32 = if (pass & 1 == 0) 0x274 else 0xbff;
        return flags.apply_all(work.configs, .{ .set = mask, .clear = 0xfff & ~mask, .toggle = 0 });
    }
};

fn run_columns(bench: *Bench, allocator: std.mem.Allocator, random: std.Random) !void {
    const count: u32 = if (bench.tiny) 1000 else 1_000_000;
    const configs = try allocator.alloc(Config, count);
    defer allocator.free(configs);
    const memory = try allocator.alignedAlloc(u8, .@"64", Columns.size_bytes(count).?);
    defer allocator.free(memory);
    const columns: *align(64) Columns = @ptrCast(memory.ptr);
    columns.init(count);
    for (configs, 0..) |*config, i| {
        config.* = .{ .feature_flags = @bitCast(random.int(u32)) };
        _ = columns.write(@intCast(i), @bitCast(config.feature_flags));
    }
    const by_column = if (bench.tiny) "count of 1,000 configs by column" else "count of 1,000,000 configs by column";
    const by_row = if (bench.tiny) "count of 1,000 configs by row" else "count of 1,000,000 configs by row";
    try bench.run("columns", by_column, 1, Counting{ .columns = columns });
    try bench.run("columns", by_row, 1, Scanning{ .configs = configs });
    try bench.run("validation", "template over 1000 configs", 1000, Applying{ .configs = configs[0..1000] });
}

const Checking = struct {
    config: *Config,

    fn run(work: Checking, pass: u64) u64 {
        work.config.rows = @intCast(1 + pass % 127);
        return @as(u32, @bitCast(work.config.faults()));
    }
};

const Sealing = struct {
    config: *Config,

    fn run(work: Sealing, pass: u64) u64 {
        work.config.rows = @intCast(1 + pass % 127);
        return Record.seal(work.config.*).checksum;
    }
};

const Decoding = struct {
    frames: *const [4][frame_module.frame_size]u8,

    fn run(work: Decoding, pass: u64) u64 {
        var frame: frame_module.Frame = undefined;
        if (frame_module.decode(&work.frames[pass % 4], &frame)) |_| unreachable;
        return frame.offset + frame.value;
    }
};

/// All seven, all valid.
const ParsingSet = struct {
    set: *headers.HeaderSet,

    fn run(work: ParsingSet, pass: u64) u64 {
        const hash = &work.set.text[@intFromEnum(headers.Header.registry_hash)];
        hash[2] = '0' + @as(u8, @intCast(pass % 10));
        return headers.parse_set(work.set).said;
    }
};

const Parsing = struct {
    fn run(_: Parsing, pass: u64) u64 {
        const values = [_][]const u8{ "0x00000bff", "0x00000270", "0x00000a74", "0x000000a0" };
        const parsed = headers.parse(.feature_flags, values[pass % 4]) catch unreachable;
        return parsed.number;
    }
};

fn run_wire(bench: *Bench) !void {
    var config: Config = .{};
    try bench.run("validation", "check of 13 bytes", 1, Checking{ .config = &config });
    try bench.run("wire", "record seal", 1, Sealing{ .config = &config });
    var frames: [4][frame_module.frame_size]u8 = undefined;
    const kinds = [4]frame_module.Frame{
        .{ .frame_type = .config_update, .offset = frame_module.record_offset_terminal_mode, .value = 2 },
        .{ .frame_type = .feature_toggle, .offset = frame_module.record_offset_feature_flags, .value = 1 << 32 | 4 },
        .{ .frame_type = .terminal_resize, .offset = frame_module.record_offset_rows, .value = 0x7832 },
        .{ .frame_type = .heartbeat, .offset = 0, .value = 123_456 },
    };
    for (&frames, kinds) |*frame, kind| frame_module.encode(kind, frame);
    try bench.run("wire", "frame decode", 1, Decoding{ .frames = &frames });
    try bench.run("wire", "header parse (flags)", 1, Parsing{});
    var set = std.mem.zeroes(headers.HeaderSet);
    for (&set.text, &set.lengths, 0..) |*text, *length, i| {
        length.* = @intCast(headers.format(@enumFromInt(i), .{}, text) catch unreachable);
    }
    try bench.run("validation-headers", "validate 7 headers", 1, ParsingSet{ .set = &set });
}

test "every benchmark runs" {
    var buffer: [4096]u8 = undefined;
    var out: std.Io.Writer = .fixed(&buffer);
    var bench: Bench = .{ .out = &out, .tiny = true };
    try run_all(&bench, std.testing.allocator);
    try std.testing.expect(std.mem.count(u8, out.buffered(), "\n") > 10);
}
