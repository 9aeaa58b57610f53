//! Every function that needs an operating system: boards and pseudo-terminals. Never part of the wasm build.
const std = @import("std");
const history_module = @import("immutable/history.zig");
const board_module = @import("shared/board.zig");
const slot_module = @import("shared/slot.zig");
const pty = @import("terminal/pty.zig");
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

/// A swap that writes rollouts, over those in `seen` (null: whatever they are). Lock, swap and unlock are one call:
/// `busy`, and nothing written, when another process held the lock for some milliseconds.
pub fn board_swap(
    board: *const Board,
    slot: u32,
    request: *slot_module.Swap,
    seen: ?*const slot_module.Rollouts,
    history: ?*history_module.History,
) callconv(.c) Result {
    board_module.swap(board, slot, request, seen, history) catch |err| return switch (err) {
        error.LostRace => .lost_race,
        error.Damaged => .bad_checksum,
        error.Closed, error.OutOfBounds, error.Busy => |failure| write_result(failure),
    };
    return .ok;
}

/// `slot_seed` on a board, with the lock that it needs.
pub fn board_seed(board: *const Board, slot: u32, image: *const slot_module.Image) callconv(.c) Result {
    if (image.revision == 0) return .out_of_bounds;
    const is_newer = board_module.seed(board, slot, image) catch |err| return write_result(err);
    return if (is_newer) .ok else .not_newer;
}

/// Empties a board that was just opened and shows a later head than `seq`, its journal's; `not_newer` when it
/// does not.
pub fn board_rewind(board: *Board, seq: u64) callconv(.c) Result {
    const was_ahead = board_module.rewind(board, seq) catch |err| return write_result(err);
    return if (was_ahead) .ok else .not_newer;
}

fn write_result(err: board_module.WriteError) Result {
    return switch (err) {
        error.Closed => .closed,
        error.OutOfBounds => .out_of_bounds,
        error.Busy => .busy,
    };
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

/// Opens a pseudo-terminal in cooked mode; its handle is in the report.
pub fn pty_open(size: *const pty.Size, report: *pty.Report) callconv(.c) Result {
    return pty_result(pty.open(size.*, report));
}

/// Starts a program on it. `command` is `directory NUL argument NUL ... NAME=value NUL ...`.
pub fn pty_spawn(
    handle: u32,
    argument_count: u16,
    command: [*]const u8,
    len: u32,
    report: *pty.Report,
) callconv(.c) Result {
    return pty_result(pty.spawn(handle, argument_count, command[0..len], report));
}

/// Never blocks: `would_block` when there is nothing yet, `end` when there will be nothing more.
pub fn pty_read(handle: u32, buffer: [*]u8, len: u32, report: *pty.Report) callconv(.c) Result {
    return pty_result(pty.read(handle, buffer[0..len], report));
}

/// Never blocks; the report says how many bytes were taken.
pub fn pty_write(handle: u32, bytes: [*]const u8, len: u32, report: *pty.Report) callconv(.c) Result {
    return pty_result(pty.write(handle, bytes[0..len], report));
}

pub fn pty_resize(handle: u32, size: *const pty.Size, report: *pty.Report) callconv(.c) Result {
    return pty_result(pty.resize(handle, size.*, report));
}

/// 1 cooked, 2 raw.
pub fn pty_set_mode(handle: u32, mode: u8, report: *pty.Report) callconv(.c) Result {
    return pty_result(pty.set_mode(handle, mode, report));
}

/// 1 hang-up, 2 interrupt, 9 kill, 15 terminate: to the program itself.
pub fn pty_signal(handle: u32, number: u8, report: *pty.Report) callconv(.c) Result {
    return pty_result(pty.signal(handle, number, report));
}

/// Whether the program runs, or how it ended.
pub fn pty_status(handle: u32, report: *pty.Report) callconv(.c) Result {
    return pty_result(pty.status(handle, report));
}

/// Hangs up, ends what does not end by itself, collects it, and gives everything back.
pub fn pty_close(handle: u32, report: *pty.Report) callconv(.c) Result {
    return pty_result(pty.close(handle, report));
}

fn pty_result(outcome: pty.Error!void) Result {
    outcome catch |err| return switch (err) {
        error.Unsupported => .unsupported,
        error.BadHandle => .bad_handle,
        error.BadArgument => .bad_argument,
        error.BadCommand => .bad_command,
        error.TooLarge => .too_large,
        error.TableFull => .full,
        error.Busy => .busy,
        error.NoProgram => .no_program,
        error.NotFound => .not_found,
        error.Permission => .permission,
        error.NoDirectory => .no_directory,
        error.NoPty => .no_pty,
        error.WouldBlock => .would_block,
        error.End => .end,
        error.Os => .os,
    };
    return .ok;
}
