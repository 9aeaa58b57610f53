//! Sixteen bytes that one instruction writes: the low 24 bits of the revision and the config. Writers
//! compete with a compare-and-swap, so there is no lock to be left held by a killed process and no state in
//! which a config is half written. Readers only load: a compare-and-swap would fault on a read-only mapping.
const std = @import("std");
const builtin = @import("builtin");
const assert = std.debug.assert;
const word = @import("word.zig");
const config_module = @import("../immutable/config.zig");
const Config = config_module.Config;

pub const revision_low_mask: u64 = 0xff_ffff;

/// The cell in a register.
pub const Value = packed struct(u128) {
    revision_low: u24 = 0,
    config: u104 = 0,

    pub fn of(value_config: Config, revision: u64) Value {
        return .{
            .revision_low = @truncate(revision),
            .config = @bitCast(value_config.as_bytes().*),
        };
    }

    pub fn get_config(value: Value) Config {
        const bytes: [config_module.config_size]u8 = @bitCast(value.config);
        return Config.from_bytes(&bytes);
    }
};

pub const Cell = extern struct {
    bytes: [16]u8 align(16),

    comptime {
        assert(@sizeOf(Cell) == 16);
        assert(@alignOf(Cell) == 16);
        // So that JavaScript reads the flags as one aligned 32-bit word, and the registry hash as another.
        assert(3 + @offsetOf(Config, "registry_hash") == 4);
        assert(3 + @offsetOf(Config, "feature_flags") == 8);
    }

    pub fn load(cell: *const Cell) Value {
        if (comptime builtin.cpu.arch == .x86_64) {
            if (cpu_loads_16_bytes_at_once()) return load_avx(cell);
        }
        return load_twice(cell);
    }

    /// Writes `desired` if the cell still holds `expected`; false, and nothing written, otherwise.
    pub fn compare_swap(cell: *Cell, expected: Value, desired: Value) bool {
        const whole: *u128 = @ptrCast(cell);
        const from: u128 = @bitCast(expected);
        const to: u128 = @bitCast(desired);
        if (comptime has_wide_swap) {
            return @cmpxchgStrong(u128, whole, from, to, .seq_cst, .seq_cst) == null;
        }
        // WebAssembly: one thread, the memory is not shared.
        return cell.replace(expected, desired);
    }

    /// As `compare_swap`, where nobody else can write at the same time.
    pub fn replace(cell: *Cell, expected: Value, desired: Value) bool {
        const whole: *u128 = @ptrCast(cell);
        if (whole.* != @as(u128, @bitCast(expected))) return false;
        whole.* = @bitCast(desired);
        return true;
    }
};

const has_wide_swap = switch (builtin.cpu.arch) {
    .x86_64 => std.Target.x86.featureSetHas(builtin.cpu.features, .cx16),
    .aarch64 => true,
    else => false,
};

comptime {
    // Without it two processes could not share a cell; every x86-64 CPU since 2008 has it.
    if (!builtin.cpu.arch.isWasm()) assert(has_wide_swap);
}

/// An aligned 16-byte VEX load is atomic on every CPU with AVX (Intel SDM volume 3, 9.1.1; AMD says the same).
inline fn load_avx(cell: *const Cell) Value {
    const lanes = asm volatile ("vmovdqa (%[cell]), %[lanes]"
        : [lanes] "=x" (-> @Vector(2, u64)),
        : [cell] "r" (cell),
        : .{ .memory = true });
    return @bitCast(lanes);
}

/// Every write changes the revision in the low half, so a low half that is the same before and after the
/// high half was read means that all came from one write.
fn load_twice(cell: *const Cell) Value {
    const halves: *const [2]u64 = @ptrCast(cell);
    while (true) {
        const low = word.load(u64, &halves[0]);
        const high = word.load(u64, &halves[1]);
        if (word.load(u64, &halves[0]) == low) return @bitCast([2]u64{ low, high });
    }
}

const LoadKind = enum(u8) { unknown, avx, twice };
var load_kind: LoadKind = .unknown;

inline fn cpu_loads_16_bytes_at_once() bool {
    return switch (@atomicLoad(LoadKind, &load_kind, .monotonic)) {
        .avx => true,
        .twice => false,
        .unknown => detect(),
    };
}

fn detect() bool {
    @branchHint(.cold);
    const leaf_1 = cpuid(1);
    const xsave_and_avx: u32 = 1 << 27 | 1 << 28;
    // The operating system must save the registers too: bits 1 and 2 of XCR0.
    const has_avx = leaf_1 & xsave_and_avx == xsave_and_avx and xgetbv() & 0b110 == 0b110;
    @atomicStore(LoadKind, &load_kind, if (has_avx) .avx else .twice, .monotonic);
    return has_avx;
}

fn cpuid(leaf: u32) u32 {
    return asm volatile ("cpuid"
        : [ecx] "={ecx}" (-> u32),
        : [leaf] "{eax}" (leaf),
          [subleaf] "{ecx}" (@as(u32, 0)),
        : .{ .ebx = true, .edx = true });
}

fn xgetbv() u32 {
    return asm volatile ("xgetbv"
        : [eax] "={eax}" (-> u32),
        : [register] "{ecx}" (@as(u32, 0)),
        : .{ .edx = true });
}

test "load returns what was swapped in, both ways" {
    var cell: Cell = .{ .bytes = @splat(0) };
    const value = Value.of(.{ .rows = 50, .cols = 120 }, 0x1_0000_0007);
    try std.testing.expect(cell.compare_swap(.{}, value));
    try std.testing.expect(!cell.compare_swap(.{}, value));
    try std.testing.expectEqual(value, cell.load());
    try std.testing.expectEqual(value, load_twice(&cell));
    try std.testing.expectEqual(@as(u24, 7), cell.load().revision_low);
    try std.testing.expectEqual(@as(u8, 120), cell.load().get_config().cols);
    try std.testing.expectEqual(@as(u8, 50), cell.bytes[13]);
}

test "no torn value while two threads write" {
    if (builtin.single_threaded) return error.SkipZigTest;
    var cell: Cell = .{ .bytes = @splat(0) };
    var stop = std.atomic.Value(bool).init(false);
    const Writer = struct {
        fn run(shared: *Cell, done: *std.atomic.Value(bool), mark: u8) void {
            while (!done.load(.monotonic)) {
                const seen = shared.load();
                const next = Value.of(Config.from_bytes(&@splat(mark)), @as(u64, seen.revision_low) + 1);
                _ = shared.compare_swap(seen, next);
            }
        }
    };
    const one = try std.Thread.spawn(.{}, Writer.run, .{ &cell, &stop, 0x55 });
    const two = try std.Thread.spawn(.{}, Writer.run, .{ &cell, &stop, 0xaa });
    defer {
        stop.store(true, .monotonic);
        one.join();
        two.join();
    }
    for (0..200_000) |i| {
        const value = if (i % 2 == 0) cell.load() else load_twice(&cell);
        const bytes = value.get_config().as_bytes().*;
        for (bytes) |byte| try std.testing.expectEqual(bytes[0], byte);
    }
}
