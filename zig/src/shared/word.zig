//! Loads and stores of one word that others may write at the same time. WebAssembly has one thread here and
//! no 64-bit atomics without shared memory: there they are plain.
const builtin = @import("builtin");

const is_shared = !builtin.cpu.arch.isWasm();

pub inline fn load(comptime T: type, word: *const T) T {
    return if (is_shared) @atomicLoad(T, word, .acquire) else word.*;
}

pub inline fn store(comptime T: type, word: *T, value: T) void {
    if (is_shared) @atomicStore(T, word, value, .release) else word.* = value;
}
