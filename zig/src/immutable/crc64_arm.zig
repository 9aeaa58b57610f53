//! The carry-less multiply of 64-bit ARM, PMULL. Written as assembly because the library is compiled for processors
//! without it and a function cannot have a target of its own. Whoever calls must have asked `detect` first.

const std = @import("std");
const builtin = @import("builtin");
const fold = @import("crc64_fold.zig");
const Block = fold.Block;

const Multiply = struct {
    pub inline fn low(a: Block, b: Block) Block {
        return asm (
            \\.arch_extension aes
            \\pmull %[product].1q, %[a].1d, %[b].1d
            : [product] "=w" (-> Block),
            : [a] "w" (a),
              [b] "w" (b),
        );
    }

    pub inline fn high(a: Block, b: Block) Block {
        return asm (
            \\.arch_extension aes
            \\pmull2 %[product].1q, %[a].2d, %[b].2d
            : [product] "=w" (-> Block),
            : [a] "w" (a),
              [b] "w" (b),
        );
    }
};

pub const Narrow = fold.Folding(Multiply);

/// A build for processors that all have it, as every Mac's, says so; Linux is asked; elsewhere the answer is no.
pub fn detect() bool {
    if (comptime builtin.cpu.has(.aarch64, .aes)) return true;
    if (builtin.os.tag != .linux) return false;
    const hwcap_pmull = 1 << 4;
    return auxiliary(std.elf.AT_HWCAP) & hwcap_pmull != 0;
}

/// The standard library's own answer is zero in a shared library that links the C library, so the latter is asked
/// there.
fn auxiliary(index: usize) usize {
    return if (builtin.link_libc) std.c.getauxval(index) else std.os.linux.getauxval(index);
}
