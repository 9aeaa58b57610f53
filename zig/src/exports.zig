//! Root of both artifacts. Exports by loop, so that no function can be forgotten or misspelled.
const std = @import("std");
const builtin = @import("builtin");
const abi = @import("abi.zig");

const has_os = builtin.target.os.tag != .freestanding;
const is_wasm = builtin.target.cpu.arch.isWasm();

comptime {
    export_all(@import("api_core.zig"));
    @export(&abi_core_hash, .{ .name = abi.symbol_prefix ++ "abi_core_hash" });
    if (has_os) {
        export_all(@import("api_native.zig"));
        @export(&abi_native_hash, .{ .name = abi.symbol_prefix ++ "abi_native_hash" });
    }
    if (is_wasm) @export(&scratch_address, .{ .name = abi.symbol_prefix ++ "scratch" });
}

fn export_all(comptime api: type) void {
    for (@typeInfo(api).@"struct".decls) |decl| {
        if (@typeInfo(@TypeOf(@field(api, decl.name))) != .@"fn") continue;
        @export(&@field(api, decl.name), .{ .name = abi.symbol_prefix ++ decl.name });
    }
}

fn abi_core_hash() callconv(.c) u64 {
    return abi.core_hash;
}

fn abi_native_hash() callconv(.c) u64 {
    return abi.native_hash;
}

// The host of a wasm module needs a place in its memory for the arguments of one call.
const scratch_size = 4096;
var scratch: [scratch_size]u8 align(64) = @splat(0);
fn scratch_address() callconv(.c) [*]u8 {
    return &scratch;
}

/// A fault that an assert found ends the process (or traps in WebAssembly) without the code that would
/// print a trace: the artifacts stay small.
pub const panic = if (builtin.mode == .Debug) std.debug.FullPanic(std.debug.defaultPanic) else std.debug.no_panic;
