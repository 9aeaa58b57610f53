//! Pseudo-terminals behind numbered handles: open one, run one program on it, read, write, resize,
//! end. A table of 64 in fixed memory; every operation is short, because a terminal never blocks
//! (only `close` may wait for a program to end). System calls are made in the pty_<system>.zig
//! files; this file holds the handles, the locks and the order of things.

const std = @import("std");
const builtin = @import("builtin");
const contract = @import("contract.zig");
const Program = @import("program.zig").Program;

const os = switch (builtin.os.tag) {
    .linux => @import("pty_linux.zig"),
    .macos => @import("pty_darwin.zig"),
    else => @import("pty_unsupported.zig"),
};

pub const Error = contract.Error;
pub const Size = contract.Size;
pub const Mode = contract.Mode;
pub const Signal = contract.Signal;
pub const State = contract.State;

/// Most terminals open at one time in a process.
pub const terminals_max = 64;

/// How long `close` lets a program that was told to hang up finish, and then how long it waits for
/// a killed one.
const hangup_wait_ms = 250;
const kill_wait_ms = 1000;

/// What an operation tells beside its error. Each sets the fields its comment names, and all others
/// to zero.
pub const Report = extern struct {
    /// The terminal: index in the low 8 bits, generation above. 0 is never a terminal.
    handle: u32 = 0,
    /// The system's error number where one stands behind the error, else 0. After NoPty, NotFound
    /// and so on, too.
    os_error: i32 = 0,
    /// Bytes read or written.
    count: u32 = 0,
    /// The program's process number, for showing: it may belong to another process once the program
    /// has ended.
    pid: i32 = 0,
    rows: u16 = 0,
    cols: u16 = 0,
    /// A `Mode`.
    mode: u8 = 0,
    /// A `State`.
    state: u8 = 0,
    /// The exit code when `state` is exited, the signal's number when it is killed.
    number: u8 = 0,
    reserved: u8 = 0,

    comptime {
        std.debug.assert(@sizeOf(Report) == 24);
        std.debug.assert(@alignOf(Report) == 4);
        std.debug.assert(@offsetOf(Report, "os_error") == 4);
        std.debug.assert(@offsetOf(Report, "count") == 8);
        std.debug.assert(@offsetOf(Report, "pid") == 12);
        std.debug.assert(@offsetOf(Report, "rows") == 16);
        std.debug.assert(@offsetOf(Report, "cols") == 18);
        std.debug.assert(@offsetOf(Report, "mode") == 20);
        std.debug.assert(@offsetOf(Report, "state") == 21);
        std.debug.assert(@offsetOf(Report, "number") == 22);
    }
};

const Handle = packed struct(u32) { index: u8, generation: u24 };

/// One place in the table. Everything below `lock` is touched only while holding it: no thread can
/// close a descriptor that another is about to use, and a program's exit is collected exactly once.
const Entry = struct {
    lock: Lock = .{},
    generation: u24 = 0,
    in_use: bool = false,
    terminal: os.Terminal = .{},
    child: ?os.Child = null,
    exit: ?contract.Exit = null,

    fn is_running(entry: *const Entry) bool {
        return entry.child != null and entry.exit == null;
    }

    /// Collects the program's exit if it has ended.
    fn observe(entry: *Entry, os_error: *i32) Error!void {
        if (!entry.is_running()) return;
        entry.exit = try os.reap(&entry.child.?, os_error) orelse return;
        os.forget(&entry.child.?);
    }

    fn tell(entry: *const Entry, report: *Report) void {
        const child = entry.child orelse return;
        const exit = entry.exit orelse contract.Exit{ .state = .running, .number = 0 };
        report.pid = child.pid;
        report.state = @intFromEnum(exit.state);
        report.number = exit.number;
    }

    /// Hangs up, and kills what does not obey. `Busy` if even that has no effect yet (a process
    /// stuck in the kernel).
    fn end_program(entry: *Entry, os_error: *i32) Error!void {
        try entry.observe(os_error);
        if (!entry.is_running()) return;
        os.hang_up(&entry.terminal);
        os.close(&entry.terminal);
        os.await_end(&entry.child.?, hangup_wait_ms);
        try entry.observe(os_error);
        if (!entry.is_running()) return;
        try os.signal(&entry.child.?, .kill, os_error);
        os.await_end(&entry.child.?, kill_wait_ms);
        try entry.observe(os_error);
        if (entry.is_running()) return error.Busy;
    }
};

/// Held for a few system calls at most, so waiting is a matter of letting the holder run.
const Lock = struct {
    held: std.atomic.Value(bool) = .init(false),

    fn try_acquire(lock: *Lock) bool {
        return !lock.held.swap(true, .acquire);
    }

    fn acquire(lock: *Lock) void {
        while (!lock.try_acquire()) os.pause();
    }

    fn release(lock: *Lock) void {
        lock.held.store(false, .release);
    }
};

var table: [terminals_max]Entry = @splat(.{});

/// Opens a terminal in cooked mode; `report.handle` is its handle. Errors: BadArgument (a zero
/// size), TableFull, NoPty, Unsupported, Os. The caller ends it with `close`.
pub fn open(size: Size, report: *Report) Error!void {
    report.* = .{};
    if (size.rows == 0 or size.cols == 0) return error.BadArgument;
    for (&table, 0..) |*entry, index| {
        // A held lock means a terminal in use, or one that another thread is just taking.
        if (!entry.lock.try_acquire()) continue;
        defer entry.lock.release();
        if (entry.in_use) continue;
        entry.terminal = try os.open(size, &report.os_error);
        entry.child = null;
        entry.exit = null;
        entry.in_use = true;
        // Generation 0 is left out, so that no handle is 0.
        entry.generation = @max(1, entry.generation +% 1);
        const handle: Handle = .{ .index = @intCast(index), .generation = entry.generation };
        report.handle = @bitCast(handle);
        return;
    }
    return error.TableFull;
}

/// Starts the one program of a terminal; `report.pid` is its process. `command` is "directory NUL
/// argument NUL ... NAME=value NUL ...": `argument_count` arguments, then the whole environment; an
/// empty directory means the present one. A program without slash is looked up in that
/// environment's PATH. Errors: BadHandle, BadCommand, TooLarge, Busy (a program was started
/// before), NotFound, NoDirectory, Permission, Unsupported, Os. After an error nothing runs and
/// another program may be tried.
pub fn spawn(handle: u32, argument_count: u16, command: []const u8, report: *Report) Error!void {
    const entry = try hold(handle, report);
    defer entry.lock.release();
    if (entry.child != null) return error.Busy;
    var program: Program = undefined;
    try program.parse(command, argument_count);
    entry.child = try os.spawn(&entry.terminal, &program, &report.os_error);
    entry.tell(report);
}

/// Reads what programs wrote; `report.count` bytes, never waiting. Errors: BadHandle, WouldBlock
/// (nothing now), End (all programs are gone and all is read), Os.
pub fn read(handle: u32, buffer: []u8, report: *Report) Error!void {
    const entry = try hold(handle, report);
    defer entry.lock.release();
    if (buffer.len > 0) report.count = try os.read(&entry.terminal, buffer, &report.os_error);
}

/// Writes as from the keyboard; `report.count` bytes were taken, which may be fewer than given:
/// write the rest again after reading. Errors: BadHandle, WouldBlock (none taken), End, Os.
pub fn write(handle: u32, bytes: []const u8, report: *Report) Error!void {
    const entry = try hold(handle, report);
    defer entry.lock.release();
    if (bytes.len > 0) report.count = try os.write(&entry.terminal, bytes, &report.os_error);
}

/// Changes the size; programs in the foreground get SIGWINCH. Errors: BadHandle, BadArgument (a
/// zero), End, Os.
pub fn resize(handle: u32, size: Size, report: *Report) Error!void {
    const entry = try hold(handle, report);
    defer entry.lock.release();
    if (size.rows == 0 or size.cols == 0) return error.BadArgument;
    try os.resize(&entry.terminal, size, &report.os_error);
}

/// Cooked (lines, echo, control characters, as after `open`) or raw (every byte as it is), by
/// `Mode`'s number. A program may change it afterwards. Errors: BadHandle, BadArgument (another
/// number), End, Os.
pub fn set_mode(handle: u32, mode: u8, report: *Report) Error!void {
    const entry = try hold(handle, report);
    defer entry.lock.release();
    const wanted = std.enums.fromInt(Mode, mode) orelse return error.BadArgument;
    try os.set_mode(&entry.terminal, wanted, &report.os_error);
}

/// Sends a signal, by `Signal`'s number, to the program itself; nothing if it has ended. To
/// interrupt whatever is in the foreground, write 0x03 instead. Errors: BadHandle, BadArgument
/// (another number), NoProgram, Os.
pub fn signal(handle: u32, number: u8, report: *Report) Error!void {
    const entry = try hold(handle, report);
    defer entry.lock.release();
    const wanted = std.enums.fromInt(Signal, number) orelse return error.BadArgument;
    if (entry.child == null) return error.NoProgram;
    try entry.observe(&report.os_error);
    if (entry.is_running()) try os.signal(&entry.child.?, wanted, &report.os_error);
    entry.tell(report);
}

/// Sets rows, cols, mode, pid, state and number. The end of a program stays known until `close`.
/// Errors: BadHandle, End, Os.
pub fn status(handle: u32, report: *Report) Error!void {
    const entry = try hold(handle, report);
    defer entry.lock.release();
    try entry.observe(&report.os_error);
    const size = try os.get_size(&entry.terminal, &report.os_error);
    report.rows = size.rows;
    report.cols = size.cols;
    report.mode = @intFromEnum(try os.get_mode(&entry.terminal, &report.os_error));
    entry.tell(report);
}

/// Ends a terminal: its foreground group gets SIGHUP, a program that is not gone after 250 ms is
/// killed, its exit is collected (`report.state`, `report.number`), every descriptor is closed. So
/// it may take 250 ms; to give a program longer, send SIGHUP with `signal` and wait for `status`
/// first. Closing a closed handle does nothing. Errors: BadHandle (never given out), Busy (the
/// program cannot be ended yet: close again later), Os.
pub fn close(handle: u32, report: *Report) Error!void {
    report.* = .{};
    const name: Handle = @bitCast(handle);
    if (name.index >= terminals_max or name.generation == 0) return error.BadHandle;
    const entry = &table[name.index];
    entry.lock.acquire();
    defer entry.lock.release();
    if (name.generation > entry.generation) return error.BadHandle;
    if (name.generation < entry.generation or !entry.in_use) return;
    try entry.end_program(&report.os_error);
    entry.tell(report);
    os.close(&entry.terminal);
    entry.in_use = false;
}

/// Clears the report and locks the entry of an open terminal. One whose `close` was left unfinished
/// answers `End`.
fn hold(handle: u32, report: *Report) Error!*Entry {
    report.* = .{};
    const name: Handle = @bitCast(handle);
    if (name.index >= terminals_max or name.generation == 0) return error.BadHandle;
    const entry = &table[name.index];
    entry.lock.acquire();
    errdefer entry.lock.release();
    if (!entry.in_use or entry.generation != name.generation) return error.BadHandle;
    if (!os.is_open(&entry.terminal)) return error.End;
    return entry;
}

test {
    _ = @import("program.zig");
    // The tests run real programs and look into /proc.
    if (builtin.os.tag == .linux) _ = @import("pty_test.zig");
}
