//! Every function that needs an operating system: boards and pseudo-terminals. Never part of the wasm build.
const std = @import("std");
const board_module = @import("shared/board.zig");
const Board = board_module.Board;
const Result = @import("result.zig").Result;

/// Opens, makes or empties the board at `path`; what is wanted and what was found are in `board`.
pub fn board_open(board: *Board, path: [*:0]const u8) callconv(.c) Result {
    board_module.open(board, path) catch |err| return switch (err) {
        error.Unsupported => .unsupported,
        error.OutOfBounds => .out_of_bounds,
        error.Foreign => .foreign,
        error.Permission => .permission,
        error.NotFound => .not_found,
        error.NoSpace => .no_space,
        error.Busy => .busy,
        error.Os => .os,
    };
    return .ok;
}

/// Unmaps the board. Views of its memory must be gone before.
pub fn board_close(board: *Board) callconv(.c) void {
    board_module.close(board);
}

/// The slot of a name, made when `create` is 1.
pub fn board_find(board: *const Board, name: [*]const u8, len: u32, create: u8, slot: *u32) callconv(.c) Result {
    slot.* = board_module.find(board, name[0..len], create == 1) catch |err| return find_result(err);
    return .ok;
}

/// The name in a slot; length 0 when the slot is free.
pub fn board_name(
    board: *const Board,
    slot: u32,
    out: *[board_module.name_max]u8,
    len: *u32,
) callconv(.c) Result {
    len.* = board_module.name_at(board, slot, out) catch |err| return find_result(err);
    return .ok;
}

fn find_result(err: board_module.FindError) Result {
    return switch (err) {
        error.Closed => .closed,
        error.OutOfBounds => .out_of_bounds,
        error.NotFound => .not_found,
        error.Full => .full,
        error.Permission => .permission,
    };
}

/// `busy` when another process held the lock for a second.
pub fn board_lock(board: *const Board) callconv(.c) Result {
    board_module.lock(board) catch |err| return switch (err) {
        error.Closed => .closed,
        error.Busy => .busy,
    };
    return .ok;
}

pub fn board_unlock(board: *const Board) callconv(.c) void {
    board_module.unlock(board);
}

/// 0: this is still the board that others at `path` see; 1: the file was replaced; 2: it was emptied.
pub fn board_check(board: *const Board, path: [*:0]const u8) callconv(.c) u32 {
    return @intFromEnum(board_module.check(board, path));
}

/// Tells every process that the journal's head is at least `seq`.
pub fn board_announce(board: *const Board, seq: u64) callconv(.c) void {
    board_module.announce_head(board, seq);
}

pub fn board_head(board: *const Board) callconv(.c) u64 {
    return board_module.head(board);
}

pub const BoardWait = extern struct { slot: u32, seen: u32, timeout_ms: u32 };

/// Blocks the calling thread until the slot's notify word is no longer `seen`.
pub fn board_wait(board: *const Board, request: *const BoardWait) callconv(.c) Result {
    return switch (board_module.wait(board, request.slot, request.seen, request.timeout_ms)) {
        .changed => .ok,
        .timeout => .timeout,
        .unsupported => .unsupported,
    };
}
