//! CRC-64/NVME: finds accidental damage of records and of shared configs; against an adversary it protects nothing.
//! Chosen because it is the default checksum of S3, runs at tens of gigabytes a second where the processor multiplies
//! without carry, and is not zero on zeros: a blank record does not pass for a good one.
//!
//! Frozen: checksums are stored and sent. The kernels beside this file may change, no value they give may.

const std = @import("std");
const builtin = @import("builtin");
const polynomial = @import("crc64_polynomial.zig");
const tables = @import("crc64_tables.zig");
const x86 = @import("crc64_x86.zig");
const arm = @import("crc64_arm.zig");

/// The register before the first byte, and what the last one is inverted with.
const inversion: u64 = 0xffffffffffffffff;

/// The checksum of `bytes`, by the fastest kernel this processor has. Cannot fail; of no bytes it is 0.
pub fn compute(bytes: []const u8) u64 {
    // Measured: below this the tables are as quick, and no kernel need be chosen.
    if (bytes.len < 16) return compute_with(.tables, bytes);
    return compute_with(chosen_kernel(), bytes);
}

/// The definition, one bit at a time: what every kernel is tested against.
pub fn bitwise(bytes: []const u8) u64 {
    return bitwise_update(inversion, bytes) ^ inversion;
}

/// One byte a step through one table: what benchmarks compare with.
pub fn byte_table(bytes: []const u8) u64 {
    return tables.update_bytes(inversion, bytes) ^ inversion;
}

pub const Kernel = enum(u8) {
    tables,
    /// x86-64: PCLMULQDQ, 16 bytes a lane.
    pclmul,
    /// x86-64: VPCLMULQDQ with AVX-512, 64 bytes a lane.
    vpclmul,
    /// arm64: PMULL, 16 bytes a lane.
    pmull,

    /// Whether this processor and its operating system can run it. Asks anew each time; `compute` asks once.
    pub fn available(kernel: Kernel) bool {
        return switch (kernel) {
            .tables => true,
            .pclmul => has_x86_kernels and x86.detect().narrow,
            .vpclmul => has_x86_kernels and x86.detect().wide,
            .pmull => has_arm_kernel and arm.detect(),
        };
    }
};

/// The checksum by one kernel, which must be available. Inputs too short for it go to the next smaller one.
pub fn compute_with(kernel: Kernel, bytes: []const u8) u64 {
    return switch (kernel) {
        .tables => tables.update(inversion, bytes),
        .pclmul => if (has_x86_kernels) narrow(x86.Narrow, bytes) else unreachable,
        .vpclmul => if (has_x86_kernels) wide(bytes) else unreachable,
        .pmull => if (has_arm_kernel) narrow(arm.Narrow, bytes) else unreachable,
    } ^ inversion;
}

/// The name of the kernel that `compute` uses for inputs of 256 bytes and more.
pub fn kernel_name() [*:0]const u8 {
    return @tagName(chosen_kernel());
}

// The kernels are assembly text, which only LLVM reads in full; a debug build by another backend has the tables.
const has_x86_kernels = builtin.cpu.arch == .x86_64 and builtin.zig_backend == .stage2_llvm;
const has_arm_kernel = builtin.cpu.arch == .aarch64 and builtin.cpu.arch.endian() == .little and
    builtin.zig_backend == .stage2_llvm;

inline fn narrow(comptime Folding: type, bytes: []const u8) u64 {
    return if (bytes.len < 16) tables.update(inversion, bytes) else Folding.update(inversion, bytes);
}

inline fn wide(bytes: []const u8) u64 {
    return if (bytes.len < x86.Wide.bytes_min) narrow(x86.Narrow, bytes) else x86.Wide.update(inversion, bytes);
}

/// A `Kernel` plus one, or 0 before the first call. Threads that meet here all find the same answer.
var chosen: std.atomic.Value(u8) = .init(0);

inline fn chosen_kernel() Kernel {
    if (!has_x86_kernels and !has_arm_kernel) return .tables;
    const known = chosen.load(.monotonic);
    return if (known == 0) choose_kernel() else @enumFromInt(known - 1);
}

noinline fn choose_kernel() Kernel {
    @branchHint(.cold);
    var available: std.EnumSet(Kernel) = .initEmpty();
    for (std.enums.values(Kernel)) |kernel| available.setPresent(kernel, kernel.available());
    const kernel = fastest(available);
    chosen.store(@intFromEnum(kernel) + 1, .monotonic);
    return kernel;
}

fn fastest(available: std.EnumSet(Kernel)) Kernel {
    const by_speed = [_]Kernel{ .vpclmul, .pmull, .pclmul };
    return for (by_speed) |kernel| {
        if (available.contains(kernel)) break kernel;
    } else .tables;
}

fn bitwise_update(register: u64, bytes: []const u8) u64 {
    var state = register;
    for (bytes) |byte| {
        state ^= byte;
        for (0..8) |_| state = polynomial.times_x(state);
    }
    return state;
}

const testing = std.testing;

const Algorithm = struct { name: []const u8, run: *const fn ([]const u8) u64 };

fn with(comptime kernel: Kernel) Algorithm {
    return .{ .name = @tagName(kernel), .run = &struct {
        fn run(bytes: []const u8) u64 {
            return compute_with(kernel, bytes);
        }
    }.run };
}

/// Everything this processor can run, in `buffer`.
fn runnable_algorithms(buffer: *[6]Algorithm) []const Algorithm {
    buffer[0..2].* = .{ .{ .name = "compute", .run = &compute }, .{ .name = "byte_table", .run = &byte_table } };
    var count: usize = 2;
    inline for (comptime std.enums.values(Kernel)) |kernel| {
        if (kernel.available()) {
            buffer[count] = with(kernel);
            count += 1;
        }
    }
    return buffer[0..count];
}

fn expect_checksum(algorithm: Algorithm, expected: u64, bytes: []const u8) !void {
    const actual = algorithm.run(bytes);
    if (actual == expected) return;
    std.debug.print("{s} of {d} bytes: {x:0>16}, not {x:0>16}\n", .{ algorithm.name, bytes.len, actual, expected });
    return error.WrongChecksum;
}

fn random_bytes(buffer: []u8, seed: u64) void {
    var random = std.Random.DefaultPrng.init(seed);
    random.random().bytes(buffer);
}

test "published vectors" {
    const zeros: [4096]u8 = @splat(0);
    const ones: [4096]u8 = @splat(0xff);
    var rising: [4096]u8 = undefined;
    var falling: [4096]u8 = undefined;
    for (&rising, &falling, 0..) |*up, *down, i| {
        up.* = @truncate(i);
        down.* = @truncate(255 -% i);
    }
    const vectors = [_]struct { u64, []const u8 }{
        // The CRC catalogue's check, then the example of crc64fast-nvme.
        .{ 0xae8b14860a799888, "123456789" },
        .{ 0xd9160d1fa8e418e3, "hello world!" },
        .{ 0, "" },
        // What the AWS SDKs send for this text (base64 xSkvqfnNkUs=).
        .{ 0xc5292fa9f9cd914b, "The quick brown fox jumps over the lazy dog.\n" },
        .{ 0xcf3473434d4ecf3b, zeros[0..32] },
        // The four of the NVM Command Set Specification.
        .{ 0x6482d367eb22b64e, &zeros },
        .{ 0xc0ddba7302eca3ac, &ones },
        .{ 0x3e729f5f6750449c, &rising },
        .{ 0x9a2df64b8e9e517e, &falling },
    };
    var buffer: [6]Algorithm = undefined;
    for (vectors) |vector| {
        try testing.expectEqual(vector[0], bitwise(vector[1]));
        for (runnable_algorithms(&buffer)) |algorithm| try expect_checksum(algorithm, vector[0], vector[1]);
    }
}

test "every length to 4096 and some beyond" {
    var bytes: [20_000]u8 = undefined;
    random_bytes(&bytes, 13);
    var buffer: [6]Algorithm = undefined;
    const algorithms = runnable_algorithms(&buffer);
    var register = inversion;
    for (0..bytes.len) |length| {
        if (length <= 4096 or length % 61 == 0) {
            for (algorithms) |algorithm| try expect_checksum(algorithm, register ^ inversion, bytes[0..length]);
        }
        register = bitwise_update(register, bytes[length .. length + 1]);
    }
}

test "every alignment to 63 for lengths to 300" {
    var bytes: [64 + 300]u8 align(64) = undefined;
    random_bytes(&bytes, 64);
    var buffer: [6]Algorithm = undefined;
    const algorithms = runnable_algorithms(&buffer);
    for (0..64) |offset| {
        var register = inversion;
        for (0..301) |length| {
            const input = bytes[offset..][0..length];
            for (algorithms) |algorithm| try expect_checksum(algorithm, register ^ inversion, input);
            if (length < 300) register = bitwise_update(register, bytes[offset + length ..][0..1]);
        }
    }
}

test "bytes outside the input do not matter" {
    var bytes: [700]u8 = undefined;
    random_bytes(&bytes, 7);
    var other = bytes;
    for ([_]usize{ 1, 7, 13, 15, 16, 17, 24, 31, 32, 33, 127, 200, 255, 256, 300, 511, 600 }) |length| {
        const input = bytes[50..][0..length];
        for (&other) |*byte| byte.* = ~byte.*;
        @memcpy(other[50..][0..length], input);
        var buffer: [6]Algorithm = undefined;
        for (runnable_algorithms(&buffer)) |algorithm| {
            try expect_checksum(algorithm, bitwise(input), other[50..][0..length]);
        }
    }
}

test "the chosen kernel is one this processor has" {
    const chosen_now = std.meta.stringToEnum(Kernel, std.mem.span(kernel_name())) orelse return error.UnknownKernel;
    try testing.expect(chosen_now.available());
    try testing.expect(!(Kernel.pmull.available() and Kernel.pclmul.available()));
    if (builtin.cpu.arch != .x86_64) try testing.expect(!Kernel.pclmul.available() and !Kernel.vpclmul.available());
    if (builtin.cpu.arch != .aarch64) try testing.expect(!Kernel.pmull.available());
}

test "no kernel is chosen that is not available" {
    for (0..1 << std.enums.values(Kernel).len) |bits| {
        var available: std.EnumSet(Kernel) = .initEmpty();
        for (std.enums.values(Kernel), 0..) |kernel, i| available.setPresent(kernel, bits >> @intCast(i) & 1 != 0);
        const kernel = fastest(available);
        try testing.expect(kernel == .tables or available.contains(kernel));
        if (available.contains(.vpclmul)) try testing.expectEqual(Kernel.vpclmul, kernel);
    }
}

test {
    _ = polynomial;
}
