//! Systems without pseudo-terminals we know how to use: opening one answers `Unsupported`, so no
//! other operation of this file can ever be reached with a terminal or a program of ours.

const contract = @import("contract.zig");
const Error = contract.Error;
const Program = @import("program.zig").Program;

pub const Terminal = struct {};
pub const Child = struct { pid: i32 };

pub fn open(_: contract.Size, _: *i32) Error!Terminal {
    return error.Unsupported;
}

pub fn spawn(_: *Terminal, _: *const Program, _: *i32) Error!Child {
    return error.Unsupported;
}

pub fn read(_: *const Terminal, _: []u8, _: *i32) Error!u32 {
    return error.Unsupported;
}

pub fn write(_: *const Terminal, _: []const u8, _: *i32) Error!u32 {
    return error.Unsupported;
}

pub fn resize(_: *const Terminal, _: contract.Size, _: *i32) Error!void {
    return error.Unsupported;
}

pub fn get_size(_: *const Terminal, _: *i32) Error!contract.Size {
    return error.Unsupported;
}

pub fn set_mode(_: *const Terminal, _: contract.Mode, _: *i32) Error!void {
    return error.Unsupported;
}

pub fn get_mode(_: *const Terminal, _: *i32) Error!contract.Mode {
    return error.Unsupported;
}

pub fn signal(_: *const Child, _: contract.Signal, _: *i32) Error!void {
    return error.Unsupported;
}

pub fn reap(_: *const Child, _: *i32) Error!?contract.Exit {
    return error.Unsupported;
}

pub fn await_end(_: *const Child, _: u32) void {}

pub fn forget(_: *const Child) void {}

pub fn hang_up(_: *const Terminal) void {}

pub fn close(_: *Terminal) void {}

pub fn is_open(_: *const Terminal) bool {
    return false;
}

pub fn pause() void {}
