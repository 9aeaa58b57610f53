//! The carry-less multiply of x86-64: PCLMULQDQ on 128 bits, VPCLMULQDQ on 512. Written as assembly because the
//! library is compiled for processors without either and a function cannot have a target of its own. Whoever calls
//! must have asked `detect` first.

const std = @import("std");
const fold = @import("crc64_fold.zig");
const Block = fold.Block;

const Multiply = struct {
    pub inline fn low(a: Block, b: Block) Block {
        return asm ("pclmulqdq $0x00, %[b], %[product]"
            : [product] "=x" (-> Block),
            : [a] "0" (a),
              [b] "x" (b),
        );
    }

    pub inline fn high(a: Block, b: Block) Block {
        return asm ("pclmulqdq $0x11, %[b], %[product]"
            : [product] "=x" (-> Block),
            : [a] "0" (a),
              [b] "x" (b),
        );
    }
};

pub const Narrow = fold.Folding(Multiply);

/// 512 bits: four registers of four blocks.
pub const Wide = struct {
    pub const bytes_min = 256;

    /// Distances of 256, 192, 128 and 64 bytes.
    const distances: [4]Block = .{ fold.distance(256), fold.distance(192), fold.distance(128), fold.distance(64) };

    pub fn update(register: u64, bytes: []const u8) u64 {
        std.debug.assert(bytes.len >= bytes_min);
        var lanes: [4]Block align(64) = undefined;
        const end = bytes.ptr + (bytes.len & ~@as(usize, 63));
        _ = asm volatile (text
            : [advanced] "={rdi}" (-> usize),
            : [at] "{rdi}" (bytes.ptr),
              [end] "{rsi}" (end),
              [register] "{rdx}" (register),
              [distances] "{rcx}" (&distances),
              [lanes] "{r8}" (&lanes),
            : overwritten);
        return Narrow.finish(Narrow.join(4, lanes), bytes, bytes.len & ~@as(usize, 63));
    }

    /// VZEROUPPER touches all sixteen. Named by their XMM part: the compiler passes over ZMM names where the target
    /// has none.
    const overwritten = blk: {
        var clobbers: std.builtin.assembly.Clobbers = .{ .rax = true, .cc = true, .memory = true };
        for (0..16) |i| @field(clobbers, std.fmt.comptimePrint("xmm{d}", .{i})) = true;
        break :blk clobbers;
    };

    /// zmm0-3 hold the state, zmm8 the distance. First 256 bytes a round, then all four joined in zmm2 and 64 a round.
    const text =
        \\ vmovdqu64 (%%rdi), %%zmm0
        \\ vmovdqu64 64(%%rdi), %%zmm1
        \\ vmovdqu64 128(%%rdi), %%zmm2
        \\ vmovdqu64 192(%%rdi), %%zmm3
        \\ vmovq %%rdx, %%xmm4
        \\ vpxorq %%zmm4, %%zmm0, %%zmm0
        \\ vbroadcasti32x4 (%%rcx), %%zmm8
        \\ jmp 2f
        \\1:
        \\
    ++ fold_text(0, "(%%rdi)") ++ fold_text(1, "64(%%rdi)") ++
        fold_text(2, "128(%%rdi)") ++ fold_text(3, "192(%%rdi)") ++
        \\2:
        \\ add $256, %%rdi
        \\ lea 256(%%rdi), %%rax
        \\ cmp %%rsi, %%rax
        \\ jbe 1b
        \\ vbroadcasti32x4 16(%%rcx), %%zmm8
        \\
    ++ fold_text(0, "%%zmm3") ++
        \\ vbroadcasti32x4 32(%%rcx), %%zmm8
        \\
    ++ fold_text(1, "%%zmm0") ++
        \\ vbroadcasti32x4 48(%%rcx), %%zmm8
        \\
    ++ fold_text(2, "%%zmm1") ++
        \\ jmp 4f
        \\3:
        \\
    ++ fold_text(2, "(%%rdi)") ++
        \\ add $64, %%rdi
        \\4:
        \\ cmp %%rsi, %%rdi
        \\ jb 3b
        \\ vmovdqu64 %%zmm2, (%%r8)
        \\ vzeroupper
    ;

    /// Register `state` = its four blocks moved by the distance in zmm8, plus `next`.
    fn fold_text(comptime state: u8, comptime next: []const u8) []const u8 {
        return std.fmt.comptimePrint(
            \\ vpclmulqdq $0x00, %%zmm8, %%zmm{d}, %%zmm{d}
            \\ vpclmulqdq $0x11, %%zmm8, %%zmm{d}, %%zmm{d}
            \\ vpternlogq $0x96, {s}, %%zmm{d}, %%zmm{d}
            \\
        , .{ state, state + 4, state, state, next, state + 4, state });
    }
};

pub const Support = struct { narrow: bool, wide: bool };

/// Asks the processor, and for 512 bits also whether the system saves those registers.
pub fn detect() Support {
    if (cpuid(0, 0).eax < 7) return .{ .narrow = false, .wide = false };
    const basic = cpuid(1, 0);
    const extended = cpuid(7, 0);
    const narrow = bit(basic.ecx, 1);
    // OSXSAVE, then SSE, AVX, opmask and both ZMM halves in XCR0.
    const saved = bit(basic.ecx, 27) and xcr0() & 0xe6 == 0xe6;
    // AVX512F and VPCLMULQDQ.
    return .{ .narrow = narrow, .wide = narrow and saved and bit(extended.ebx, 16) and bit(extended.ecx, 10) };
}

fn bit(word: u32, comptime index: u5) bool {
    return word >> index & 1 != 0;
}

const Leaf = struct { eax: u32, ebx: u32, ecx: u32, edx: u32 };

fn cpuid(leaf: u32, subleaf: u32) Leaf {
    var eax: u32 = undefined;
    var ebx: u32 = undefined;
    var ecx: u32 = undefined;
    var edx: u32 = undefined;
    asm volatile ("cpuid"
        : [eax] "={eax}" (eax),
          [ebx] "={ebx}" (ebx),
          [ecx] "={ecx}" (ecx),
          [edx] "={edx}" (edx),
        : [leaf] "{eax}" (leaf),
          [subleaf] "{ecx}" (subleaf),
    );
    return .{ .eax = eax, .ebx = ebx, .ecx = ecx, .edx = edx };
}

/// What the operating system saves when it switches threads. Needs OSXSAVE.
fn xcr0() u32 {
    return asm volatile ("xgetbv"
        : [low] "={eax}" (-> u32),
        : [index] "{ecx}" (@as(u32, 0)),
        : .{ .edx = true });
}
