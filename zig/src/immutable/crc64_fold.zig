//! Folding by carry-less multiplication, 16 bytes a lane, for any processor that multiplies two 64-bit polynomials in
//! one instruction. The multiply itself is handed in. Nothing here chooses a processor; the caller has asked for it
//! already.
//!
//! After Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Intel, 2009), the
//! variant for bit-reflected data. A block is 16 bytes as loaded: its low word holds the higher powers of x. The
//! product of two reflected words comes out multiplied by x once more, so each constant is one power lower than the
//! paper's plain form.

const std = @import("std");
const polynomial = @import("crc64_polynomial.zig");

pub const Block = @Vector(2, u64);

/// Moves a block past `bytes` more bytes: its low word by 8 * bytes + 64, its high word by 8 * bytes powers of x.
pub fn distance(comptime bytes: u32) Block {
    return comptime .{ polynomial.power(8 * bytes + 63), polynomial.power(8 * bytes - 1) };
}

/// tail_distances[n]: past n more bytes and the 8 that the final reduction takes off.
const tail_distances: [16]Block = blk: {
    var constants: [16]Block = undefined;
    for (&constants, 0..) |*constant, n| constant.* = distance(n + 8);
    break :blk constants;
};
/// Read at [n..], keeps the last n bytes of a block.
const tail_mask: [32]u8 = @as([16]u8, @splat(0)) ++ @as([16]u8, @splat(0xff));

/// `Multiply` has `low(a, b)` and `high(a, b)`: the product of the two low or of the two high words.
pub fn Folding(comptime Multiply: type) type {
    return struct {
        const lane_count = 8;

        /// Continues `register` over at least 16 bytes.
        pub fn update(register: u64, bytes: []const u8) u64 {
            std.debug.assert(bytes.len >= 16);
            return finish(load(bytes) ^ Block{ register, 0 }, bytes, 16);
        }

        /// Continues from `block`, which stands for the first `done` bytes: folds in the rest and reduces to 64 bits.
        pub fn finish(block: Block, bytes: []const u8, done: usize) u64 {
            var state = block;
            var rest = bytes[done..];
            if (rest.len >= 16 * (lane_count - 1)) {
                const folded = fold_lanes(state, rest);
                state = folded.block;
                rest = folded.rest;
            }
            while (rest.len >= 16) : (rest = rest[16..]) state = fold(state, comptime distance(16)) ^ load(rest);
            return reduce(fold(state, tail_distances[rest.len]) ^ fold(load_tail(bytes, rest.len), tail_distances[0]));
        }

        const Folded = struct { block: Block, rest: []const u8 };

        /// Eight lanes side by side hide the latency of the multiplication. `bytes` follow `block`.
        fn fold_lanes(block: Block, bytes: []const u8) Folded {
            var lanes: [lane_count]Block = undefined;
            lanes[0] = block;
            inline for (1..lane_count) |i| lanes[i] = load(bytes[16 * (i - 1) ..]);
            var rest = bytes[16 * (lane_count - 1) ..];
            while (rest.len >= 16 * lane_count) : (rest = rest[16 * lane_count ..]) {
                inline for (&lanes, 0..) |*lane, i| {
                    lane.* = fold(lane.*, comptime distance(16 * lane_count)) ^ load(rest[16 * i ..]);
                }
            }
            return .{ .block = join(lane_count, lanes), .rest = rest };
        }

        /// Folds lanes that follow one another into the last of them.
        pub fn join(comptime count: usize, lanes: [count]Block) Block {
            var block = lanes[count - 1];
            inline for (lanes[0 .. count - 1], 0..) |lane, i| {
                block ^= fold(lane, comptime distance(16 * (count - 1 - i)));
            }
            return block;
        }

        inline fn fold(block: Block, constant: Block) Block {
            return Multiply.low(block, constant) ^ Multiply.high(block, constant);
        }

        /// Barrett reduction of 128 bits: q = floor(block / P) by the reciprocal, then block - q * P.
        inline fn reduce(block: Block) u64 {
            const quotient = Multiply.low(block, .{ comptime polynomial.reciprocal(), 0 });
            // P / x: the product comes out multiplied by x, and what P / x leaves off is the quotient itself.
            const product = Multiply.low(quotient, .{ comptime (polynomial.reflected << 1) | 1, 0 });
            return block[1] ^ product[1] ^ quotient[0];
        }

        inline fn load(bytes: []const u8) Block {
            return @bitCast(bytes[0..16].*);
        }

        /// The last `count` bytes, at the end of a block of zeros. There are 16 bytes to read before the end.
        inline fn load_tail(bytes: []const u8, count: usize) Block {
            const mask: Block = @bitCast(tail_mask[count..][0..16].*);
            return load(bytes[bytes.len - 16 ..]) & mask;
        }
    };
}
