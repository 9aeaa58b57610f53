//! Real programs on real terminals. Nothing here waits for a time: each test reads until it has
//! seen what must come, and a generous deadline turns a hang into a failure.

const std = @import("std");
const linux = std.os.linux;
const testing = std.testing;
const pty = @import("pty.zig");

const deadline_seconds = 20;
const size: pty.Size = .{ .rows = 24, .cols = 80 };
const environment = "PATH=/usr/local/bin:/usr/bin:/bin\x00LC_ALL=C\x00";

fn expect_error(expected: pty.Error, outcome: pty.Error!void) !void {
    try testing.expectError(expected, outcome);
}

fn opened() !u32 {
    var report: pty.Report = undefined;
    try pty.open(size, &report);
    return report.handle;
}

fn closed(handle: u32) void {
    var report: pty.Report = undefined;
    pty.close(handle, &report) catch |failure| std.debug.panic("close: {t}", .{failure});
}

fn run_shell(handle: u32, comptime script: []const u8) !i32 {
    var report: pty.Report = undefined;
    try pty.spawn(handle, 3, "\x00/bin/sh\x00-c\x00" ++ script ++ "\x00" ++ environment, &report);
    try testing.expectEqual(@intFromEnum(pty.State.running), report.state);
    return report.pid;
}

const Deadline = struct {
    end: isize,

    fn start() Deadline {
        return .{ .end = now() + deadline_seconds };
    }

    fn now() isize {
        var time: linux.timespec = undefined;
        std.debug.assert(linux.errno(linux.clock_gettime(.MONOTONIC, &time)) == .SUCCESS);
        return time.sec;
    }

    fn pass(deadline: Deadline) !void {
        if (now() > deadline.end) return error.DeadlinePassed;
        try std.Thread.yield();
    }
};

/// Everything a terminal has said so far.
const Screen = struct {
    handle: u32,
    bytes: [64 * 1024]u8 = undefined,
    len: usize = 0,

    /// One read; false when there was nothing yet.
    fn advance(screen: *Screen) !bool {
        var report: pty.Report = undefined;
        const rest = screen.bytes[screen.len..];
        pty.read(screen.handle, rest, &report) catch |failure| switch (failure) {
            error.WouldBlock => return false,
            else => return failure,
        };
        screen.len += report.count;
        return true;
    }

    fn until(screen: *Screen, text: []const u8) !void {
        const deadline: Deadline = .start();
        while (std.mem.indexOf(u8, screen.bytes[0..screen.len], text) == null) {
            const moved = screen.advance() catch |failure| {
                std.debug.print("no \"{s}\" in: {s}\n", .{ text, screen.bytes[0..screen.len] });
                return failure;
            };
            if (!moved) try deadline.pass();
        }
    }

    fn until_end(screen: *Screen) ![]const u8 {
        const deadline: Deadline = .start();
        while (true) {
            const moved = screen.advance() catch |failure| switch (failure) {
                error.End => return screen.bytes[0..screen.len],
                else => return failure,
            };
            if (!moved) try deadline.pass();
        }
    }
};

fn type_in(handle: u32, text: []const u8) !void {
    var report: pty.Report = undefined;
    try pty.write(handle, text, &report);
    try testing.expectEqual(text.len, report.count);
}

fn until_ended(handle: u32) !pty.Report {
    const deadline: Deadline = .start();
    var report: pty.Report = undefined;
    while (true) {
        try pty.status(handle, &report);
        if (report.state != @intFromEnum(pty.State.running)) return report;
        try deadline.pass();
    }
}

fn expect_end(handle: u32, state: pty.State, number: u8) !void {
    // Twice: what was collected once must stay known.
    for (0..2) |_| {
        const report = try until_ended(handle);
        try testing.expectEqual(@intFromEnum(state), report.state);
        try testing.expectEqual(number, report.number);
    }
}

fn descriptor_count() usize {
    var count: usize = 0;
    for (0..1024) |descriptor| {
        const flags = linux.fcntl(@intCast(descriptor), linux.F.GETFD, 0);
        if (linux.errno(flags) == .SUCCESS) count += 1;
    }
    return count;
}

fn is_gone(pid: i32) bool {
    const nothing: linux.SIG = @enumFromInt(0);
    return linux.errno(linux.kill(pid, nothing)) == .SRCH;
}

/// True when this process has no child at all, not even a zombie.
fn has_no_child() bool {
    var status: u32 = 0;
    const any: linux.pid_t = -1;
    return linux.errno(linux.waitpid(any, &status, linux.W.NOHANG)) == .CHILD;
}

test "a program reads what is written, and the terminal echoes it" {
    const handle = try opened();
    defer closed(handle);
    _ = try run_shell(handle, "read line; echo \"got <$line>\"");
    try type_in(handle, "hello\n");
    var screen: Screen = .{ .handle = handle };
    try testing.expectEqualStrings("hello\r\ngot <hello>\r\n", try screen.until_end());
    try expect_end(handle, .exited, 0);
}

test "before a program runs there is nothing to read, not the end" {
    const handle = try opened();
    defer closed(handle);
    var report: pty.Report = undefined;
    var buffer: [16]u8 = undefined;
    try expect_error(error.WouldBlock, pty.read(handle, &buffer, &report));
    try expect_error(error.NoProgram, pty.signal(handle, 15, &report));
    try pty.status(handle, &report);
    try testing.expectEqual(@intFromEnum(pty.State.none), report.state);
    try testing.expectEqual(@intFromEnum(pty.Mode.cooked), report.mode);
}

test "control-C written in cooked mode interrupts the foreground program" {
    const handle = try opened();
    defer closed(handle);
    _ = try run_shell(handle, "echo ready; exec sleep 1000");
    var screen: Screen = .{ .handle = handle };
    try screen.until("ready");
    try type_in(handle, "\x03");
    try expect_end(handle, .killed, 2);
}

test "the size is seen by the program, and so is a change of it" {
    const handle = try opened();
    defer closed(handle);
    var report: pty.Report = undefined;
    const script = "trap 'stty size; exit 0' WINCH; stty size; while :; do sleep 0.01; done";
    _ = try run_shell(handle, script);
    var screen: Screen = .{ .handle = handle };
    try screen.until("24 80\r\n");
    try pty.resize(handle, .{ .rows = 255, .cols = 300 }, &report);
    try screen.until("255 300\r\n");
    try pty.status(handle, &report);
    try testing.expectEqual(255, report.rows);
    try testing.expectEqual(300, report.cols);
    try expect_error(error.BadArgument, pty.resize(handle, .{ .rows = 0, .cols = 80 }, &report));
    try expect_error(error.BadArgument, pty.open(.{ .rows = 24, .cols = 0 }, &report));
}

test "cooked and raw, as stty sees them" {
    const handle = try opened();
    defer closed(handle);
    var report: pty.Report = undefined;
    const script = "stty -a; echo one; read a; stty -a; echo two; read a; stty -a; echo three";
    _ = try run_shell(handle, script);
    var screen: Screen = .{ .handle = handle };
    try screen.until("one");
    const cooked = [_][]const u8{ "icanon", "echo", "isig", "opost", "onlcr", "icrnl", "iutf8" };
    try expect_settings(screen.bytes[0..screen.len], &cooked);

    try pty.set_mode(handle, @intFromEnum(pty.Mode.raw), &report);
    try pty.status(handle, &report);
    try testing.expectEqual(@intFromEnum(pty.Mode.raw), report.mode);
    screen.len = 0;
    try type_in(handle, "\n");
    try screen.until("two");
    const raw = [_][]const u8{ "-icanon", "-echo", "-isig", "-opost", "-icrnl", "-ixon" };
    try expect_settings(screen.bytes[0..screen.len], &raw);
    try testing.expectEqual(1, std.mem.count(u8, screen.bytes[0..screen.len], "min = 1; time = 0"));
    try testing.expect(std.mem.indexOfScalar(u8, screen.bytes[0..screen.len], '\r') == null);

    try pty.set_mode(handle, @intFromEnum(pty.Mode.cooked), &report);
    screen.len = 0;
    try type_in(handle, "\n");
    try screen.until("three");
    try expect_settings(screen.bytes[0..screen.len], &cooked);
    for ([_]u8{ 0, 3, 4, 255 }) |mode| {
        try expect_error(error.BadArgument, pty.set_mode(handle, mode, &report));
    }
}

fn expect_settings(listing: []const u8, wanted: []const []const u8) !void {
    for (wanted) |setting| {
        var words = std.mem.tokenizeAny(u8, listing, " ;\r\n");
        while (words.next()) |word| {
            if (std.mem.eql(u8, word, setting)) break;
        } else {
            std.debug.print("no \"{s}\" in: {s}\n", .{ setting, listing });
            return error.SettingMissing;
        }
    }
}

test "raw mode carries every byte unchanged in both directions" {
    const handle = try opened();
    defer closed(handle);
    var report: pty.Report = undefined;
    try pty.set_mode(handle, @intFromEnum(pty.Mode.raw), &report);
    try pty.spawn(handle, 1, "\x00cat\x00" ++ environment, &report);
    var all: [256]u8 = undefined;
    for (&all, 0..) |*byte, value| byte.* = @intCast(value);
    try type_in(handle, &all);
    var screen: Screen = .{ .handle = handle };
    try screen.until(&all);
    try testing.expectEqual(all.len, screen.len);
}

test "exit codes, and the signals that end a program" {
    inline for (.{ "exit 0", "exit 7", "exit 255" }, .{ 0, 7, 255 }) |script, code| {
        const handle = try opened();
        defer closed(handle);
        _ = try run_shell(handle, script);
        try expect_end(handle, .exited, code);
    }
    for ([_]u8{ 1, 2, 9, 15 }) |number| {
        const handle = try opened();
        defer closed(handle);
        _ = try run_shell(handle, "exec sleep 1000");
        var report: pty.Report = undefined;
        try pty.signal(handle, number, &report);
        try expect_end(handle, .killed, number);
        // To one that has ended: nothing to do, no fault.
        try pty.signal(handle, number, &report);
        try testing.expectEqual(@intFromEnum(pty.State.killed), report.state);
    }
    const handle = try opened();
    defer closed(handle);
    var report: pty.Report = undefined;
    for ([_]u8{ 0, 3, 19, 64, 255 }) |number| {
        try expect_error(error.BadArgument, pty.signal(handle, number, &report));
    }
}

test "what cannot be started says why, starts nothing, and leaves the terminal usable" {
    const handle = try opened();
    defer closed(handle);
    const before = descriptor_count();
    var report: pty.Report = undefined;
    const cases = .{
        .{ error.NotFound, 0, "\x00no-such-program-at-all\x00" ++ environment },
        .{ error.NotFound, 2, "\x00/no/such/program\x00" ++ environment },
        .{ error.Permission, 13, "\x00/etc/passwd\x00" ++ environment },
        .{ error.Permission, 0, "\x00passwd\x00PATH=/etc\x00" },
        .{ error.Permission, 13, "\x00/tmp\x00" ++ environment },
        .{ error.NotFound, 0, "\x00tmp\x00PATH=/\x00" },
        .{ error.NoDirectory, 2, "/no/such/directory\x00/bin/sh\x00" ++ environment },
        .{ error.NoDirectory, 20, "/etc/passwd\x00/bin/sh\x00" ++ environment },
        .{ error.BadCommand, 0, "\x00/bin/sh" },
    };
    inline for (cases) |case| {
        try expect_error(case[0], pty.spawn(handle, 1, case[2], &report));
        try testing.expectEqual(case[1], report.os_error);
        try testing.expect(has_no_child());
    }
    try testing.expectEqual(before, descriptor_count());
    _ = try run_shell(handle, "exit 3");
    try expect_error(error.Busy, pty.spawn(handle, 1, "\x00/bin/sh\x00", &report));
    try expect_end(handle, .exited, 3);
    try expect_error(error.Busy, pty.spawn(handle, 1, "\x00/bin/sh\x00", &report));
}

test "the program gets the directory, the arguments and the whole environment, and nothing else" {
    const handle = try opened();
    defer closed(handle);
    var report: pty.Report = undefined;
    // tr shows what the kernel was given, before any shell could add to it.
    const script = "pwd; echo \"$1\"; tr '\\0' '|' </proc/$$/environ";
    const command = "/usr\x00sh\x00-c\x00" ++ script ++ "\x00zero\x00one two\x00" ++
        "PATH=/usr/bin:/bin\x00EMPTY=\x00HIGH=\xff\x00";
    try pty.spawn(handle, 5, command, &report);
    var screen: Screen = .{ .handle = handle };
    const expected = "/usr\r\none two\r\nPATH=/usr/bin:/bin|EMPTY=|HIGH=\xff|";
    try testing.expectEqualStrings(expected, try screen.until_end());
}

test "no descriptor of ours reaches the program, and its signals are at their defaults" {
    // An inheritable descriptor, an ignored signal and a blocked one: what a program must not
    // notice.
    var pipe: [2]i32 = undefined;
    try testing.expectEqual(0, linux.pipe2(&pipe, .{}));
    defer for (pipe) |descriptor| std.debug.assert(linux.close(descriptor) == 0);
    const ignore: linux.Sigaction = .{
        .handler = .{ .handler = linux.SIG.IGN },
        .mask = @splat(0),
        .flags = 0,
    };
    var action: linux.Sigaction = undefined;
    try testing.expectEqual(0, linux.sigaction(.USR1, &ignore, &action));
    defer std.debug.assert(linux.sigaction(.USR1, &action, null) == 0);
    const blocked: linux.sigset_t = @splat(1 << (@intFromEnum(linux.SIG.TERM) - 1));
    var mask: linux.sigset_t = undefined;
    try testing.expectEqual(0, linux.sigprocmask(linux.SIG.SETMASK, &blocked, &mask));
    defer std.debug.assert(linux.sigprocmask(linux.SIG.SETMASK, &mask, null) == 0);

    const handle = try opened();
    defer closed(handle);
    const script = "cd /proc; ls -l self/fd; cat self/status; cut -d' ' -f1,5,6,8 $$/stat; :";
    const pid = try run_shell(handle, script);
    var screen: Screen = .{ .handle = handle };
    const text = try screen.until_end();
    try testing.expectEqual(3, std.mem.count(u8, text, " -> /dev/pts/"));
    // Beside the three, only the directory that ls itself opened.
    try testing.expectEqual(4, std.mem.count(u8, text, " -> "));
    inline for (.{ "SigBlk", "SigIgn", "SigCgt" }) |name| {
        try testing.expect(std.mem.indexOf(u8, text, name ++ ":\t0000000000000000") != null);
    }
    // Process group, session and the terminal's foreground group: all are the program's own.
    var own: [64]u8 = undefined;
    const numbers = try std.fmt.bufPrint(&own, "{d} {d} {d} {d}\r\n", .{ pid, pid, pid, pid });
    try testing.expectStringEndsWith(text, numbers);
    var after: linux.sigset_t = undefined;
    try testing.expectEqual(0, linux.sigprocmask(linux.SIG.BLOCK, null, &after));
    try testing.expectEqual(blocked[0], after[0]);
}

test "closing while the program runs hangs it up, collects it, and is final" {
    const handle = try opened();
    const pid = try run_shell(handle, "echo ready; exec sleep 1000");
    var screen: Screen = .{ .handle = handle };
    try screen.until("ready");
    var report: pty.Report = undefined;
    try pty.close(handle, &report);
    try testing.expectEqual(@intFromEnum(pty.State.killed), report.state);
    try testing.expectEqual(1, report.number);
    try testing.expect(is_gone(pid));
    try testing.expect(has_no_child());
    // Again, and everything else on the old handle.
    try pty.close(handle, &report);
    try testing.expectEqual(0, report.state);
    try expect_stale(handle);
}

test "a program may use its hang-up to finish, and one that ignores it is killed" {
    var report: pty.Report = undefined;
    const finishing = try opened();
    _ = try run_shell(finishing, "trap 'exit 9' HUP; echo ready; while :; do sleep 0.001; done");
    var screen: Screen = .{ .handle = finishing };
    try screen.until("ready");
    try pty.close(finishing, &report);
    try testing.expectEqual(@intFromEnum(pty.State.exited), report.state);
    try testing.expectEqual(9, report.number);

    const stubborn = try opened();
    const pid = try run_shell(stubborn, "trap '' HUP; echo ready; exec sleep 1000");
    screen = .{ .handle = stubborn };
    try screen.until("ready");
    try pty.close(stubborn, &report);
    try testing.expectEqual(@intFromEnum(pty.State.killed), report.state);
    try testing.expectEqual(9, report.number);
    try testing.expect(is_gone(pid));
    try testing.expect(has_no_child());
}

test "the foreground group is told even when the program before it does not go" {
    const handle = try opened();
    _ = try run_shell(handle, "set -m; trap : HUP; sh -c 'echo ready; exec sleep 1000'; exit");
    var screen: Screen = .{ .handle = handle };
    try screen.until("ready");
    var report: pty.Report = undefined;
    try pty.close(handle, &report);
    // The shell goes on when its job is gone, so it leaves by itself, with whatever code.
    try testing.expectEqual(@intFromEnum(pty.State.exited), report.state);
}

test "a foreground job behind a shell ends with its terminal, though it is another group" {
    const handle = try opened();
    // The job speaks when it is in the foreground already: only then may the terminal go away.
    const shell = try run_shell(handle, "set -m; sh -c 'echo \"job=$$;\"; exec sleep 1000'; :");
    var screen: Screen = .{ .handle = handle };
    try screen.until(";");
    const text = screen.bytes[0..screen.len];
    const from = std.mem.indexOf(u8, text, "job=").? + 4;
    const to = std.mem.indexOfScalarPos(u8, text, from, ';').?;
    const pid = try std.fmt.parseInt(i32, text[from..to], 10);
    try testing.expect(shell != pid);
    closed(handle);
    // The job is the shell's child, so whoever adopts it collects it: it only has to stop running.
    const deadline: Deadline = .start();
    while (!is_gone(pid) and !is_zombie(pid)) try deadline.pass();
    try testing.expect(has_no_child());
}

fn is_zombie(pid: i32) bool {
    var path_buffer: [64]u8 = undefined;
    const path = std.fmt.bufPrintZ(&path_buffer, "/proc/{d}/stat", .{pid}) catch unreachable;
    const descriptor = linux.open(path, .{ .CLOEXEC = true }, 0);
    if (linux.errno(descriptor) != .SUCCESS) return true;
    defer std.debug.assert(linux.close(@intCast(descriptor)) == 0);
    var text: [256]u8 = undefined;
    const count = linux.read(@intCast(descriptor), &text, text.len);
    if (linux.errno(count) != .SUCCESS) return true;
    return std.mem.indexOf(u8, text[0..count], ") Z ") != null;
}

fn expect_stale(handle: u32) !void {
    var report: pty.Report = undefined;
    var buffer: [1]u8 = undefined;
    try expect_error(error.BadHandle, pty.read(handle, &buffer, &report));
    try expect_error(error.BadHandle, pty.write(handle, "x", &report));
    try expect_error(error.BadHandle, pty.resize(handle, size, &report));
    try expect_error(error.BadHandle, pty.set_mode(handle, 1, &report));
    try expect_error(error.BadHandle, pty.signal(handle, 15, &report));
    try expect_error(error.BadHandle, pty.status(handle, &report));
    try expect_error(error.BadHandle, pty.spawn(handle, 1, "\x00/bin/sh\x00", &report));
}

test "a stale handle does not reach the terminal in its place, nor an invented one any" {
    const first = try opened();
    closed(first);
    const second = try opened();
    defer closed(second);
    try testing.expectEqual(first & 0xff, second & 0xff);
    try testing.expect(first != second);
    try expect_stale(first);
    closed(first);
    var report: pty.Report = undefined;
    try pty.status(second, &report);
    const all_bits = std.math.maxInt(u32);
    for ([_]u32{ 0, 1, 63, 64, 0xff, second + 0x100, second | 0x40, all_bits }) |invented| {
        try expect_stale(invented);
        try expect_error(error.BadHandle, pty.close(invented, &report));
    }
    try pty.status(second, &report);
}

test "the table holds 64 terminals, and says when it is full" {
    const before = descriptor_count();
    var handles: [pty.terminals_max]u32 = undefined;
    for (&handles) |*handle| handle.* = try opened();
    var report: pty.Report = undefined;
    try expect_error(error.TableFull, pty.open(size, &report));
    try testing.expectEqual(0, report.handle);
    closed(handles[40]);
    handles[40] = try opened();
    for (handles) |handle| closed(handle);
    try testing.expectEqual(before, descriptor_count());
}

test "a full terminal takes a part, then none, and gives all of it back" {
    const handle = try opened();
    defer closed(handle);
    var report: pty.Report = undefined;
    try pty.set_mode(handle, @intFromEnum(pty.Mode.raw), &report);
    const chunk: [8192]u8 = @splat('x');
    var written: usize = 0;
    var was_partial = false;
    while (true) {
        pty.write(handle, &chunk, &report) catch |failure| {
            try testing.expectEqual(error.WouldBlock, failure);
            break;
        };
        written += report.count;
        was_partial = was_partial or report.count < chunk.len;
    }
    try testing.expect(was_partial);
    try pty.spawn(handle, 1, "\x00cat\x00" ++ environment, &report);
    var screen: Screen = .{ .handle = handle };
    const deadline: Deadline = .start();
    while (screen.len < written) if (!try screen.advance()) try deadline.pass();
    try testing.expectEqual(written, screen.len);
}

test "closing while another thread reads" {
    for (0..50) |_| {
        const handle = try opened();
        _ = try run_shell(handle, "exec yes");
        var bytes_read: std.atomic.Value(u64) = .init(0);
        const reader = try std.Thread.spawn(.{}, read_until_closed, .{ handle, &bytes_read });
        const deadline: Deadline = .start();
        while (bytes_read.load(.monotonic) < 10_000) try deadline.pass();
        closed(handle);
        reader.join();
        try testing.expect(has_no_child());
    }
}

fn read_until_closed(handle: u32, bytes_read: *std.atomic.Value(u64)) void {
    var buffer: [1024]u8 = undefined;
    var report: pty.Report = undefined;
    while (true) {
        pty.read(handle, &buffer, &report) catch |failure| switch (failure) {
            error.WouldBlock => continue,
            error.BadHandle, error.End => return,
            else => std.debug.panic("read: {t} {d}", .{ failure, report.os_error }),
        };
        _ = bytes_read.fetchAdd(report.count, .monotonic);
    }
}

test "threads that open, spawn and close at once have their own terminals, and leave nothing" {
    const before = descriptor_count();
    var threads: [4]std.Thread = undefined;
    for (&threads, 0..) |*thread, index| {
        thread.* = try std.Thread.spawn(.{}, run_rounds, .{ index, 25 });
    }
    for (threads) |thread| thread.join();
    try testing.expectEqual(before, descriptor_count());
    try testing.expect(has_no_child());
}

fn run_rounds(index: usize, rounds: usize) void {
    for (0..rounds) |_| run_round(index) catch |failure| {
        std.debug.panic("thread {d}: {t}", .{ index, failure });
    };
}

fn run_round(index: usize) !void {
    const handle = try opened();
    defer closed(handle);
    var command: [128]u8 = undefined;
    const form = "\x00/bin/sh\x00-c\x00echo mark-{d}; exit {d}\x00";
    const packed_command = try std.fmt.bufPrint(&command, form, .{ index, index });
    var report: pty.Report = undefined;
    try pty.spawn(handle, 3, packed_command, &report);
    var screen: Screen = .{ .handle = handle };
    var mark: [32]u8 = undefined;
    const expected = try std.fmt.bufPrint(&mark, "mark-{d}\r\n", .{index});
    try testing.expectEqualStrings(expected, try screen.until_end());
    try expect_end(handle, .exited, @intCast(index));
}

test "500 rounds of open, spawn and close leave no descriptor and no child" {
    const before = descriptor_count();
    for (0..500) |round| {
        const handle = try opened();
        var report: pty.Report = undefined;
        // By turns: ended by itself, still running, not started, nothing tried.
        switch (round % 4) {
            0 => {
                try pty.spawn(handle, 1, "\x00/bin/true\x00", &report);
                try expect_end(handle, .exited, 0);
            },
            1 => try pty.spawn(handle, 2, "\x00/bin/sleep\x001000\x00", &report),
            2 => {
                const missing = pty.spawn(handle, 1, "\x00/no/such\x00", &report);
                try expect_error(error.NotFound, missing);
            },
            else => {},
        }
        closed(handle);
    }
    try testing.expectEqual(before, descriptor_count());
    try testing.expect(has_no_child());
}

test "a process without standard descriptors can still give a program all three" {
    var kept: [3]i32 = undefined;
    for (&kept, 0..) |*copy, descriptor| {
        const made = linux.fcntl(@intCast(descriptor), linux.F.DUPFD_CLOEXEC, 100);
        try testing.expect(linux.errno(made) == .SUCCESS);
        copy.* = @intCast(made);
    }
    for (0..3) |descriptor| std.debug.assert(linux.close(@intCast(descriptor)) == 0);
    const outcome = say_hello();
    for (kept, 0..) |copy, descriptor| {
        std.debug.assert(linux.errno(linux.dup3(copy, @intCast(descriptor), 0)) == .SUCCESS);
        std.debug.assert(linux.close(copy) == 0);
    }
    try outcome;
}

fn say_hello() !void {
    const handle = try opened();
    defer closed(handle);
    _ = try run_shell(handle, "read line; echo \"out $line\"; echo err >&2");
    try type_in(handle, "in\n");
    var screen: Screen = .{ .handle = handle };
    try testing.expectEqualStrings("in\r\nout in\r\nerr\r\n", try screen.until_end());
}
