//! Pseudo-terminals on Linux (5.9 and later), by system calls alone: the library is loaded into
//! processes built on glibc and on musl, so it links neither. Holds no state: handles, locks and
//! the order of operations belong to pty.zig.
//!
//! A program is started as posix_spawn starts one: clone(CLONE_VM | CLONE_VFORK | CLONE_PIDFD) on a
//! stack of its own. A plain fork copies the page tables of a process that may map gigabytes, and
//! then faults every one of its threads; here nothing is copied, and the calling thread waits until
//! the child has executed or failed. The price is that the child runs in our memory: until execve
//! it may only make system calls on what was prepared before, and no signal handler of ours may run
//! in it. So all signals are blocked around the clone and handlers are reset before they are
//! unblocked.

const std = @import("std");
const linux = std.os.linux;
const contract = @import("contract.zig");
const Error = contract.Error;
const Size = contract.Size;
const program_zig = @import("program.zig");
const Program = program_zig.Program;

pub const Terminal = struct {
    master: i32 = -1,
    /// Held until a program runs, so that reading says "nothing yet" and not "end"; then only the
    /// program holds it.
    slave: i32 = -1,
};

pub const Child = struct {
    pid: i32,
    /// A pidfd: a signal or a wait through it can never meet another process that got the same
    /// number.
    watch: i32,
};

/// What the child tells through the pipe when it cannot become the program.
const Failure = extern struct {
    step: enum(u32) { prepare, directory, execute },
    code: u32,
};

const Plan = struct {
    slave: i32,
    report: i32,
    path: [*:0]const u8,
    program: *const Program,
};

const stack_size = 32 * 1024;

pub fn open(size: Size, os_error: *i32) Error!Terminal {
    const flags: linux.O = .{ .ACCMODE = .RDWR, .NOCTTY = true, .CLOEXEC = true, .NONBLOCK = true };
    const opened = linux.open("/dev/ptmx", flags, 0);
    switch (linux.errno(opened)) {
        .SUCCESS => {},
        .NOENT, .NODEV, .NXIO, .NOSPC, .ACCES => |code| {
            os_error.* = @intFromEnum(code);
            return error.NoPty;
        },
        else => |code| return refused(code, os_error),
    }
    var terminal: Terminal = .{ .master = @intCast(opened) };
    errdefer close(&terminal);
    const locked: c_int = 0;
    _ = try check(linux.ioctl(terminal.master, linux.T.IOCSPTLCK, @intFromPtr(&locked)), os_error);
    const peer: linux.O = .{ .ACCMODE = .RDWR, .NOCTTY = true, .CLOEXEC = true };
    const peer_bits: u32 = @bitCast(peer);
    const slave = linux.ioctl(terminal.master, linux.T.IOCGPTPEER, peer_bits);
    terminal.slave = @intCast(try check(slave, os_error));
    try resize(&terminal, size, os_error);
    try set_mode(&terminal, .cooked, os_error);
    return terminal;
}

/// Starts the program in a session of its own, with the terminal as its controlling terminal and as
/// descriptors 0, 1 and 2, no other descriptor, default signal handlers and an empty signal mask.
pub fn spawn(terminal: *Terminal, program: *const Program, os_error: *i32) Error!Child {
    var path_buffer: [program_zig.path_size_max]u8 = undefined;
    const path = try program.resolve(&path_buffer, access);
    var pipe: [2]i32 = undefined;
    _ = try check(linux.pipe2(&pipe, .{ .CLOEXEC = true }), os_error);
    const plan: Plan = .{
        .slave = terminal.slave,
        .report = pipe[1],
        .path = path,
        .program = program,
    };
    const started = start(&plan, os_error);
    // With our copy of the writing end gone, the pipe ends when the program is executed or the
    // child is dead.
    _ = linux.close(pipe[1]);
    defer _ = linux.close(pipe[0]);
    const child = try started;
    if (read_failure(pipe[0])) |failure| {
        collect_failed(&child);
        return explain(failure, os_error);
    }
    _ = linux.close(terminal.slave);
    terminal.slave = -1;
    return child;
}

fn start(plan: *const Plan, os_error: *i32) Error!Child {
    var stack: [stack_size]u8 align(16) = undefined;
    var pidfd: i32 = -1;
    const all: linux.sigset_t = @splat(std.math.maxInt(c_ulong));
    var before: linux.sigset_t = undefined;
    _ = linux.sigprocmask(linux.SIG.SETMASK, &all, &before);
    const end_signal: u32 = @intFromEnum(linux.SIG.CHLD);
    const flags = linux.CLONE.VM | linux.CLONE.VFORK | linux.CLONE.PIDFD | end_signal;
    const stack_top = @intFromPtr(&stack) + stack_size;
    const cloned = linux.clone(child_main, stack_top, flags, @intFromPtr(plan), &pidfd, 0, null);
    _ = linux.sigprocmask(linux.SIG.SETMASK, &before, null);
    return .{ .pid = @intCast(try check(cloned, os_error)), .watch = pidfd };
}

/// Runs in the child, in our memory. System calls only: no lock, no allocation, nothing that can
/// panic.
fn child_main(argument: usize) callconv(.c) u8 {
    const plan: *const Plan = @ptrFromInt(argument);
    var report = plan.report;
    const failure = become_program(plan, &report);
    _ = linux.write(report, @ptrCast(&failure), @sizeOf(Failure));
    linux.exit_group(127);
}

/// Returns only when it failed. Descriptors 0 to 3 may be taken or free in the parent, so both are
/// first moved above.
fn become_program(plan: *const Plan, report: *i32) Failure {
    reset_handlers();
    const high_report = linux.fcntl(plan.report, linux.F.DUPFD_CLOEXEC, 4);
    if (failed(high_report)) return fault(.prepare, high_report);
    report.* = @bitCast(@as(u32, @truncate(high_report)));
    const high_slave = linux.fcntl(plan.slave, linux.F.DUPFD_CLOEXEC, 4);
    if (failed(high_slave)) return fault(.prepare, high_slave);
    const slave: i32 = @bitCast(@as(u32, @truncate(high_slave)));

    const session = linux.setsid();
    if (failed(session)) return fault(.prepare, session);
    const controlling = linux.ioctl(slave, linux.T.IOCSCTTY, 0);
    if (failed(controlling)) return fault(.prepare, controlling);
    inline for (.{ 0, 1, 2 }) |standard| {
        const copied = linux.dup3(slave, standard, 0);
        if (failed(copied)) return fault(.prepare, copied);
    }
    const low_report = linux.dup3(report.*, 3, close_on_exec);
    if (failed(low_report)) return fault(.prepare, low_report);
    report.* = 3;
    const at_once: linux.CLOSE_RANGE = .{ .UNSHARE = false, .CLOEXEC = false, ._ = 0 };
    const closed = linux.close_range(4, std.math.maxInt(i32), at_once);
    if (failed(closed)) return fault(.prepare, closed);

    const none: linux.sigset_t = @splat(0);
    _ = linux.sigprocmask(linux.SIG.SETMASK, &none, null);
    if (plan.program.directory) |directory| {
        const entered = linux.chdir(directory);
        if (failed(entered)) return fault(.directory, entered);
    }
    const program = plan.program;
    return fault(.execute, linux.execve(plan.path, program.arguments(), program.environment()));
}

const close_on_exec: u32 = @bitCast(linux.O{ .CLOEXEC = true });

/// All zeros is the default action on every architecture. KILL and STOP refuse, as they have no
/// other action.
fn reset_handlers() void {
    const default: [64]u8 align(8) = @splat(0);
    var number: usize = 1;
    while (number < linux.NSIG) : (number +%= 1) {
        _ = linux.syscall4(.rt_sigaction, number, @intFromPtr(&default), 0, linux.NSIG / 8);
    }
}

fn failed(result: usize) bool {
    return linux.errno(result) != .SUCCESS;
}

fn fault(step: @FieldType(Failure, "step"), result: usize) Failure {
    return .{ .step = step, .code = @intFromEnum(linux.errno(result)) };
}

fn read_failure(pipe: i32) ?Failure {
    var failure: Failure = undefined;
    while (true) {
        const count = linux.read(pipe, @ptrCast(&failure), @sizeOf(Failure));
        if (linux.errno(count) == .INTR) continue;
        return if (count == @sizeOf(Failure)) failure else null;
    }
}

fn explain(failure: Failure, os_error: *i32) Error {
    os_error.* = @intCast(failure.code);
    const code: linux.E = @enumFromInt(failure.code);
    return switch (failure.step) {
        .prepare => if (code == .NOSYS) error.Unsupported else error.Os,
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

/// A child that reported a failure is already exiting: the wait is short. By number, because a
/// kernel without pidfd ends here too; the number is safe, since nobody has collected it yet.
fn collect_failed(child: *const Child) void {
    var status: u32 = 0;
    while (linux.errno(linux.waitpid(child.pid, &status, 0)) == .INTR) {}
    forget(child);
}

fn access(path: [*:0]const u8) program_zig.Access {
    var about: linux.Statx = undefined;
    const found = linux.statx(linux.AT.FDCWD, path, 0, .{ .TYPE = true }, &about);
    if (linux.errno(found) == .ACCES) return .denied;
    if (failed(found) or !linux.S.ISREG(about.mode)) return .missing;
    return if (failed(linux.access(path, linux.X_OK))) .denied else .executable;
}

pub fn read(terminal: *const Terminal, buffer: []u8, os_error: *i32) Error!u32 {
    while (true) {
        const count = linux.read(terminal.master, buffer.ptr, buffer.len);
        if (linux.errno(count) != .INTR) return transferred(count, os_error);
    }
}

pub fn write(terminal: *const Terminal, bytes: []const u8, os_error: *i32) Error!u32 {
    while (true) {
        const count = linux.write(terminal.master, bytes.ptr, bytes.len);
        if (linux.errno(count) != .INTR) return transferred(count, os_error);
    }
}

fn transferred(count: usize, os_error: *i32) Error!u32 {
    return switch (linux.errno(count)) {
        .SUCCESS => @intCast(count),
        .AGAIN => error.WouldBlock,
        // The master answers EIO once no process has the slave open any more.
        .IO => error.End,
        else => |code| refused(code, os_error),
    };
}

pub fn resize(terminal: *const Terminal, size: Size, os_error: *i32) Error!void {
    const window: std.posix.winsize = .{
        .row = size.rows,
        .col = size.cols,
        .xpixel = 0,
        .ypixel = 0,
    };
    _ = try check(linux.ioctl(terminal.master, linux.T.IOCSWINSZ, @intFromPtr(&window)), os_error);
}

pub fn get_size(terminal: *const Terminal, os_error: *i32) Error!Size {
    var window: std.posix.winsize = undefined;
    _ = try check(linux.ioctl(terminal.master, linux.T.IOCGWINSZ, @intFromPtr(&window)), os_error);
    return .{ .rows = window.row, .cols = window.col };
}

const line_flags = .{ "ISIG", "ICANON", "ECHO", "ECHOE", "ECHOK", "ECHOCTL", "ECHOKE", "IEXTEN" };

/// Through the master, which on Linux stands for the slave: it works also when only the program has
/// the slave open.
pub fn set_mode(terminal: *const Terminal, mode: contract.Mode, os_error: *i32) Error!void {
    var settings: linux.termios = undefined;
    _ = try check(linux.tcgetattr(terminal.master, &settings), os_error);
    const cooked = mode == .cooked;
    settings.iflag = .{ .ICRNL = cooked, .IXON = cooked, .IUTF8 = cooked };
    settings.oflag.OPOST = cooked;
    settings.oflag.ONLCR = cooked;
    inline for (line_flags) |flag| @field(settings.lflag, flag) = cooked;
    settings.lflag.ECHONL = false;
    settings.cflag.CSIZE = .CS8;
    settings.cflag.PARENB = false;
    settings.cc[@intFromEnum(linux.V.MIN)] = 1;
    settings.cc[@intFromEnum(linux.V.TIME)] = 0;
    _ = try check(linux.tcsetattr(terminal.master, .NOW, &settings), os_error);
}

pub fn get_mode(terminal: *const Terminal, os_error: *i32) Error!contract.Mode {
    var settings: linux.termios = undefined;
    _ = try check(linux.tcgetattr(terminal.master, &settings), os_error);
    return if (settings.lflag.ICANON) .cooked else .raw;
}

/// To the program alone. What a keyboard would send to the foreground group is written as a control
/// character.
pub fn signal(child: *const Child, number: contract.Signal, os_error: *i32) Error!void {
    const sent: linux.SIG = @enumFromInt(@intFromEnum(number));
    _ = try check(linux.pidfd_send_signal(child.watch, sent, null, 0), os_error);
}

/// How the program ended, or null while it runs. Collects it: not to be called again after an
/// answer.
pub fn reap(child: *const Child, os_error: *i32) Error!?contract.Exit {
    var info: linux.siginfo_t = undefined;
    @memset(std.mem.asBytes(&info), 0);
    const waited = linux.waitid(.PIDFD, child.watch, &info, linux.W.EXITED | linux.W.NOHANG, null);
    if (linux.errno(waited) == .CHILD) return .{ .state = .unknown, .number = 0 };
    _ = try check(waited, os_error);
    if (info.fields.common.first.piduid.pid == 0) return null;
    const exited = info.code == @intFromEnum(linux.CLD.EXITED);
    const status: u32 = @bitCast(info.fields.common.second.sigchld.status);
    return .{ .state = if (exited) .exited else .killed, .number = @truncate(status) };
}

/// Returns when the program has ended or the time is over.
pub fn await_end(child: *const Child, timeout_ms: u32) void {
    var polled = [1]linux.pollfd{.{ .fd = child.watch, .events = linux.POLL.IN, .revents = 0 }};
    // The kernel leaves in it what remains, so that an interrupted wait does not start again from
    // the whole.
    var remaining: linux.timespec = .{
        .sec = timeout_ms / std.time.ms_per_s,
        .nsec = @as(isize, timeout_ms % std.time.ms_per_s) * std.time.ns_per_ms,
    };
    while (linux.errno(linux.ppoll(&polled, 1, &remaining, null)) == .INTR) {}
}

/// Gives up what watches a program that has been reaped.
pub fn forget(child: *const Child) void {
    if (child.watch >= 0) _ = linux.close(child.watch);
}

/// Tells the foreground group that its terminal goes away, and wakes it if it is stopped. The
/// session leader hears of it from the kernel when the master closes. No foreground group, or one
/// already gone, is no fault.
pub fn hang_up(terminal: *const Terminal) void {
    var group: linux.pid_t = 0;
    if (failed(linux.tcgetpgrp(terminal.master, &group)) or group <= 1) return;
    _ = linux.kill(-group, .HUP);
    _ = linux.kill(-group, .CONT);
}

pub fn close(terminal: *Terminal) void {
    if (terminal.slave >= 0) _ = linux.close(terminal.slave);
    if (terminal.master >= 0) _ = linux.close(terminal.master);
    terminal.* = .{};
}

pub fn is_open(terminal: *const Terminal) bool {
    return terminal.master >= 0;
}

/// Lets another thread run.
pub fn pause() void {
    _ = linux.syscall0(.sched_yield);
}

fn check(result: usize, os_error: *i32) Error!usize {
    const code = linux.errno(result);
    return if (code == .SUCCESS) result else refused(code, os_error);
}

fn refused(code: linux.E, os_error: *i32) Error {
    os_error.* = @intFromEnum(code);
    return error.Os;
}
