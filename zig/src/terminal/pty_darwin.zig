//! Pseudo-terminals on macOS, through its system library (the only stable way to its kernel). The
//! same surface as pty_linux.zig, and like it without state. Built for every release, but never run
//! by our tests.
//!
//! Here a child is made with fork, which macOS lets a threaded process do if the child then calls
//! only async-signal-safe functions on what was prepared before: that is all `become_program` does.

const std = @import("std");
const c = std.c;
const contract = @import("contract.zig");
const Error = contract.Error;
const Size = contract.Size;
const program_zig = @import("program.zig");
const Program = program_zig.Program;

pub const Terminal = struct {
    master: c_int = -1,
    /// Held until a program runs, so that reading says "nothing yet" and not "end".
    slave: c_int = -1,
};

/// Until it is collected the number belongs to our child, and it is collected once, under the lock
/// of its entry.
pub const Child = struct { pid: i32 };

const Failure = extern struct {
    step: enum(u32) { prepare, directory, execute },
    code: u32,
};

const set_controlling_terminal = 0x20007461;
const set_window_size = 0x80087467;
const get_window_size = 0x40087468;
const get_foreground_group = 0x40047477;

/// Descriptors above are not looked for: a process that raised its limit to "none" would close for
/// minutes.
const descriptors_max = 65536;

extern "c" fn posix_openpt(flags: c_int) c_int;
extern "c" fn grantpt(master: c_int) c_int;
extern "c" fn unlockpt(master: c_int) c_int;
extern "c" fn ptsname_r(master: c_int, buffer: [*]u8, size: usize) c_int;
extern "c" fn ioctl(descriptor: c_int, request: c_ulong, ...) c_int;
extern "c" fn getdtablesize() c_int;
extern "c" fn sched_yield() c_int;

pub fn open(size: Size, os_error: *i32) Error!Terminal {
    const master = posix_openpt(@bitCast(c.O{ .ACCMODE = .RDWR, .NOCTTY = true }));
    if (master < 0) {
        os_error.* = last_error();
        return error.NoPty;
    }
    var terminal: Terminal = .{ .master = master };
    errdefer close(&terminal);
    _ = try check(c.fcntl(master, c.F.SETFD, @as(c_int, c.FD_CLOEXEC)), os_error);
    const never_wait: c_int = @bitCast(c.O{ .NONBLOCK = true });
    _ = try check(c.fcntl(master, c.F.SETFL, never_wait), os_error);
    _ = try check(grantpt(master), os_error);
    _ = try check(unlockpt(master), os_error);
    var name: [128]u8 = undefined;
    _ = try check(ptsname_r(master, &name, name.len), os_error);
    const flags: c.O = .{ .ACCMODE = .RDWR, .NOCTTY = true, .CLOEXEC = true };
    terminal.slave = try check(c.open(@ptrCast(&name), flags), os_error);
    try resize(&terminal, size, os_error);
    try set_mode(&terminal, .cooked, os_error);
    return terminal;
}

/// Starts the program in a session of its own, with the terminal as its controlling terminal and as
/// descriptors 0, 1 and 2, default signal handlers and an empty signal mask.
pub fn spawn(terminal: *Terminal, program: *const Program, os_error: *i32) Error!Child {
    var path_buffer: [program_zig.path_size_max]u8 = undefined;
    const path = try program.resolve(&path_buffer, access);
    var pipe: [2]c_int = undefined;
    _ = try check(c.pipe(&pipe), os_error);
    const started = start(terminal.slave, pipe[1], path, program, os_error);
    _ = c.close(pipe[1]);
    defer _ = c.close(pipe[0]);
    const child = try started;
    if (read_failure(pipe[0])) |failure| {
        var status: c_int = 0;
        while (c.waitpid(child.pid, &status, 0) < 0 and last_error() == @intFromEnum(c.E.INTR)) {}
        return explain(failure, os_error);
    }
    _ = c.close(terminal.slave);
    terminal.slave = -1;
    return child;
}

fn start(
    slave: c_int,
    report: c_int,
    path: [*:0]const u8,
    program: *const Program,
    os_error: *i32,
) Error!Child {
    const descriptors_end = @min(getdtablesize(), descriptors_max);
    var all: c.sigset_t = undefined;
    _ = c.sigfillset(&all);
    var before: c.sigset_t = undefined;
    _ = c.sigprocmask(c.SIG.SETMASK, &all, &before);
    const forked = c.fork();
    if (forked == 0) {
        var high_report = report;
        const failure = become_program(slave, &high_report, path, program, descriptors_end);
        _ = c.write(high_report, @ptrCast(&failure), @sizeOf(Failure));
        c._exit(127);
    }
    const pid = check(forked, os_error);
    _ = c.sigprocmask(c.SIG.SETMASK, &before, null);
    return .{ .pid = try pid };
}

/// Returns only when it failed.
fn become_program(
    slave: c_int,
    report: *c_int,
    path: [*:0]const u8,
    program: *const Program,
    descriptors_end: c_int,
) Failure {
    const default: c.Sigaction = .{ .handler = .{ .handler = c.SIG.DFL }, .mask = 0, .flags = 0 };
    var number: u32 = 1;
    while (number < 32) : (number +%= 1) _ = c.sigaction(@enumFromInt(number), &default, null);

    const high_report = c.fcntl(report.*, c.F.DUPFD_CLOEXEC, @as(c_int, 4));
    if (high_report < 0) return fault(.prepare);
    report.* = high_report;
    const high_slave = c.fcntl(slave, c.F.DUPFD_CLOEXEC, @as(c_int, 4));
    if (high_slave < 0) return fault(.prepare);
    if (c.setsid() < 0) return fault(.prepare);
    if (ioctl(high_slave, set_controlling_terminal, @as(c_int, 0)) < 0) return fault(.prepare);
    inline for (.{ 0, 1, 2 }) |standard| {
        if (c.dup2(high_slave, standard) < 0) return fault(.prepare);
    }
    if (c.dup2(high_report, 3) < 0) return fault(.prepare);
    report.* = 3;
    if (c.fcntl(3, c.F.SETFD, @as(c_int, c.FD_CLOEXEC)) < 0) return fault(.prepare);
    var descriptor: c_int = 4;
    while (descriptor < descriptors_end) : (descriptor +%= 1) _ = c.close(descriptor);

    const none: c.sigset_t = 0;
    _ = c.sigprocmask(c.SIG.SETMASK, &none, null);
    if (program.directory) |directory| if (c.chdir(directory) < 0) return fault(.directory);
    _ = c.execve(path, program.arguments(), program.environment());
    return fault(.execute);
}

fn fault(step: @FieldType(Failure, "step")) Failure {
    return .{ .step = step, .code = @bitCast(last_error()) };
}

fn read_failure(pipe: c_int) ?Failure {
    var failure: Failure = undefined;
    while (true) {
        const count = c.read(pipe, @ptrCast(&failure), @sizeOf(Failure));
        if (count < 0 and last_error() == @intFromEnum(c.E.INTR)) continue;
        return if (count == @sizeOf(Failure)) failure else null;
    }
}

fn explain(failure: Failure, os_error: *i32) Error {
    os_error.* = @bitCast(failure.code);
    const code = named(os_error.*);
    return switch (failure.step) {
        .prepare => error.Os,
        .directory => switch (code) {
            .NOENT, .NOTDIR => error.NoDirectory,
            .ACCES => error.Permission,
            else => error.Os,
        },
        .execute => switch (code) {
            .NOENT, .NOTDIR => error.NotFound,
            .ACCES, .PERM => error.Permission,
            else => error.Os,
        },
    };
}

fn access(path: [*:0]const u8) program_zig.Access {
    var about: c.Stat = undefined;
    if (c.fstatat(c.AT.FDCWD, path, &about, 0) < 0) {
        return if (named(last_error()) == .ACCES) .denied else .missing;
    }
    if (!c.S.ISREG(about.mode)) return .missing;
    return if (c.access(path, c.X_OK) < 0) .denied else .executable;
}

pub fn read(terminal: *const Terminal, buffer: []u8, os_error: *i32) Error!u32 {
    while (true) {
        const count = c.read(terminal.master, buffer.ptr, buffer.len);
        if (count == 0) return error.End;
        if (count > 0) return @intCast(count);
        if (named(last_error()) != .INTR) return stopped(os_error);
    }
}

pub fn write(terminal: *const Terminal, bytes: []const u8, os_error: *i32) Error!u32 {
    while (true) {
        const count = c.write(terminal.master, bytes.ptr, bytes.len);
        if (count >= 0) return @intCast(count);
        if (named(last_error()) != .INTR) return stopped(os_error);
    }
}

fn stopped(os_error: *i32) Error {
    const code = last_error();
    switch (named(code)) {
        .AGAIN => return error.WouldBlock,
        .IO => return error.End,
        else => os_error.* = code,
    }
    return error.Os;
}

pub fn resize(terminal: *const Terminal, size: Size, os_error: *i32) Error!void {
    const window: c.winsize = .{ .row = size.rows, .col = size.cols, .xpixel = 0, .ypixel = 0 };
    _ = try check(ioctl(terminal.master, set_window_size, &window), os_error);
}

pub fn get_size(terminal: *const Terminal, os_error: *i32) Error!Size {
    var window: c.winsize = undefined;
    _ = try check(ioctl(terminal.master, get_window_size, &window), os_error);
    return .{ .rows = window.row, .cols = window.col };
}

const line_flags = .{ "ISIG", "ICANON", "ECHO", "ECHOE", "ECHOK", "ECHOCTL", "ECHOKE", "IEXTEN" };

pub fn set_mode(terminal: *const Terminal, mode: contract.Mode, os_error: *i32) Error!void {
    var settings: c.termios = undefined;
    _ = try check(c.tcgetattr(terminal.master, &settings), os_error);
    const cooked = mode == .cooked;
    settings.iflag = .{ .ICRNL = cooked, .IXON = cooked, .IUTF8 = cooked };
    settings.oflag.OPOST = cooked;
    settings.oflag.ONLCR = cooked;
    inline for (line_flags) |flag| @field(settings.lflag, flag) = cooked;
    settings.lflag.ECHONL = false;
    settings.cflag.CSIZE = .CS8;
    settings.cflag.PARENB = false;
    settings.cflag.CREAD = true;
    settings.cc[@intFromEnum(c.V.MIN)] = 1;
    settings.cc[@intFromEnum(c.V.TIME)] = 0;
    _ = try check(c.tcsetattr(terminal.master, .NOW, &settings), os_error);
}

pub fn get_mode(terminal: *const Terminal, os_error: *i32) Error!contract.Mode {
    var settings: c.termios = undefined;
    _ = try check(c.tcgetattr(terminal.master, &settings), os_error);
    return if (settings.lflag.ICANON) .cooked else .raw;
}

/// To the program alone. What a keyboard would send to the foreground group is written as a control
/// character.
pub fn signal(child: *const Child, number: contract.Signal, os_error: *i32) Error!void {
    _ = try check(c.kill(child.pid, @enumFromInt(@intFromEnum(number))), os_error);
}

/// How the program ended, or null while it runs. Collects it: not to be called again after an
/// answer.
pub fn reap(child: *const Child, os_error: *i32) Error!?contract.Exit {
    var status: c_int = 0;
    const waited = c.waitpid(child.pid, &status, c.W.NOHANG);
    if (waited < 0 and named(last_error()) == .CHILD) return .{ .state = .unknown, .number = 0 };
    if (try check(waited, os_error) == 0) return null;
    const word: u32 = @bitCast(status);
    if (c.W.IFEXITED(word)) return .{ .state = .exited, .number = c.W.EXITSTATUS(word) };
    return .{ .state = .killed, .number = @truncate(word & 0x7f) };
}

/// Returns when the program has ended or the time is over. A system without pidfd looks once a
/// millisecond.
pub fn await_end(child: *const Child, timeout_ms: u32) void {
    for (0..timeout_ms) |_| {
        var info: [128]u8 align(8) = @splat(0);
        const number: c_uint = @bitCast(child.pid);
        const asked = waitid(process_by_number, number, &info, leave_exited_without_waiting);
        // The signal's number comes first: still zero while nothing has ended.
        if (asked != 0 or std.mem.readInt(u32, info[0..4], .little) != 0) return;
        const millisecond: c.timespec = .{ .sec = 0, .nsec = 1_000_000 };
        _ = c.nanosleep(&millisecond, null);
    }
}

extern "c" fn waitid(kind: c_int, id: c_uint, info: *anyopaque, options: c_int) c_int;
const process_by_number = 1;
/// WEXITED, WNOHANG and WNOWAIT together.
const leave_exited_without_waiting = 0x04 | 0x01 | 0x20;

pub fn forget(_: *const Child) void {}

/// Tells the foreground group that its terminal goes away, and wakes it if it is stopped.
pub fn hang_up(terminal: *const Terminal) void {
    var group: c_int = 0;
    if (ioctl(terminal.master, get_foreground_group, &group) < 0 or group <= 1) return;
    _ = c.kill(-group, .HUP);
    _ = c.kill(-group, .CONT);
}

pub fn close(terminal: *Terminal) void {
    if (terminal.slave >= 0) _ = c.close(terminal.slave);
    if (terminal.master >= 0) _ = c.close(terminal.master);
    terminal.* = .{};
}

pub fn is_open(terminal: *const Terminal) bool {
    return terminal.master >= 0;
}

/// Lets another thread run.
pub fn pause() void {
    _ = sched_yield();
}

fn check(result: c_int, os_error: *i32) Error!c_int {
    if (result >= 0) return result;
    os_error.* = last_error();
    return error.Os;
}

fn last_error() i32 {
    return c._errno().*;
}

fn named(code: i32) c.E {
    return @enumFromInt(code);
}
