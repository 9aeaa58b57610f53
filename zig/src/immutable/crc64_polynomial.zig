//! Arithmetic modulo the polynomial of CRC-64/NVME, evaluated at compile time. Tables and folding constants of all
//! kernels are derived here from that one polynomial, so that no constant has to be believed. The kernels hold no
//! number of their own.
//!
//! A polynomial of degree below 64 is a u64 in reflected order, as the checksum has it: bit 63 is x^0, bit 0 is x^63.

const std = @import("std");

/// The polynomial P as published, x^64 implied (frozen).
pub const normal: u64 = 0xad93d23594c93659;
/// The same in reflected order.
pub const reflected: u64 = @bitReverse(normal);

comptime {
    std.debug.assert(reflected == 0x9a6c9329ac4bc9b5);
}

/// value * x mod P: the definition of the checksum, one bit long.
pub inline fn times_x(value: u64) u64 {
    return (value >> 1) ^ (reflected & (0 -% (value & 1)));
}

/// x^exponent mod P.
pub fn power(exponent: u32) u64 {
    @setEvalBranchQuota(1_000_000);
    var value: u64 = 1 << 63;
    for (0..exponent) |_| value = times_x(value);
    return value;
}

/// a * b mod P, one bit of `a` at a time.
pub fn multiply(a: u64, b: u64) u64 {
    var product: u64 = 0;
    var shifted = b;
    for (0..64) |degree| {
        product ^= shifted & (0 -% ((a >> @intCast(63 - degree)) & 1));
        shifted = times_x(shifted);
    }
    return product;
}

/// floor(x^127 / P), of degree 63: Barrett's floor(x^128 / P) without its last coefficient, which only ever adds
/// terms below x^64 and so cannot change a quotient.
pub fn reciprocal() u64 {
    const divisor: u128 = (1 << 64) | @as(u128, normal);
    var remainder: u128 = 1 << 127;
    var quotient: u64 = 0;
    for (0..64) |step| {
        const degree: u6 = @intCast(63 - step);
        if ((remainder >> (@as(u7, degree) + 64)) & 1 == 0) continue;
        quotient |= @as(u64, 1) << degree;
        remainder ^= divisor << degree;
    }
    return @bitReverse(quotient);
}

test "the reciprocal is a quotient: what it leaves of x^127 is x^127 mod P" {
    const quotient: u128 = @bitReverse(reciprocal());
    var remainder: u128 = 1 << 127;
    for (0..64) |degree| {
        if ((quotient >> @intCast(degree)) & 1 != 0) remainder ^= ((1 << 64) | @as(u128, normal)) << @intCast(degree);
    }
    try std.testing.expectEqual(@as(u128, @bitReverse(power(127))), remainder);
}

test "powers and products agree" {
    try std.testing.expectEqual(reflected, power(64));
    try std.testing.expectEqual(power(1000), multiply(power(377), power(623)));
    try std.testing.expectEqual(power(5), multiply(power(0), power(5)));
}
