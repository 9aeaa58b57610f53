//! A file that processes map together: a header, a table of names, and a slot for each name. There is no
//! lock on the way of reading or changing a config. The file's own lock (given back by the kernel when its
//! holder dies) is taken only to prepare the file, to give a slot its first state and to write rollouts.
//! The file is fully allocated and never truncated, so touching it never raises SIGBUS.
const std = @import("std");
const builtin = @import("builtin");
const assert = std.debug.assert;
const linux = std.os.linux;
const board_file = @import("board_file.zig");
const clock = @import("clock.zig");
const slot_module = @import("slot.zig");
const Slot = slot_module.Slot;
const History = @import("../immutable/history.zig").History;
const Value = @import("cell.zig").Value;
const Cell = @import("cell.zig").Cell;

pub const supported = builtin.os.tag == .linux;

pub const capacity_max = 1 << 20;
pub const name_max = 127;
const header_size = 4096;
/// Whoever opens waits for another that fills a new file; a change waits for one that copies 64 bytes, and on a busy
/// machine may be taken off its core while it does: half a second.
const open_tries_max = 2_000;
const write_tries_max = 1_000;

/// Raised by hand when the meaning of a byte in the file changes.
const layout_hash: u64 = std.hash.Fnv1a_64.hash("board 1: header 4096, key 16, name 128, slot 128");
const magic = "C13BOARD".*;

pub const Header = extern struct {
    magic: [8]u8,
    layout_hash: u64,
    boot_id: [16]u8,
    journal_id: [16]u8,
    capacity: u32,
    /// Goes up when the board was emptied for another journal or after a restart of the machine.
    generation: u32,
    state: State,
    /// Futex word and sleepers for the journal's head.
    head_notify: u32,
    head_waiters: u32,
    _: u32,
    /// Newest journal sequence known to be on disk.
    head_seq: u64,

    const State = enum(u32) { preparing = 0, ready = 1, _ };

    comptime {
        assert(@sizeOf(Header) == 80);
        assert(@sizeOf(Header) <= header_size);
        assert(@offsetOf(Header, "capacity") == 48);
        assert(@offsetOf(Header, "generation") == 52);
        assert(@offsetOf(Header, "head_notify") == 60);
        assert(@offsetOf(Header, "head_seq") == 72);
    }
};

/// A name is found by 128 bits of its SHA-256, written by one instruction; the text beside it is for
/// listing, and writing it twice writes the same bytes.
const Name = extern struct {
    length: u8,
    text: [name_max]u8,

    comptime {
        assert(@sizeOf(Name) == 128);
    }
};

pub const Mode = enum(u8) { write = 0, read = 1, _ };

/// What the caller wants, and the open board. The caller keeps it and passes it back.
pub const Board = extern struct {
    /// 16 bytes of the journal's id; zeros for a board without a journal.
    journal_id: [16]u8,
    /// Address of the mapping; 0 when closed.
    base: u64,
    size_bytes: u64,
    inode: u64,
    device: u64,
    /// Slots wanted when the file is made; the file's own afterwards.
    capacity: u32,
    fd: i32,
    generation: u32,
    /// Byte offset of slot 0 in the mapping.
    slots_offset: u32,
    mode: Mode,
    /// 1: this call made or emptied the board.
    fresh: u8,
    _: [6]u8,

    comptime {
        assert(@sizeOf(Board) == 72);
        assert(@offsetOf(Board, "base") == 16);
        assert(@offsetOf(Board, "capacity") == 48);
        assert(@offsetOf(Board, "slots_offset") == 60);
        assert(@offsetOf(Board, "mode") == 64);
    }

    fn header(board: *const Board) *Header {
        return @ptrFromInt(@as(usize, @intCast(board.base)));
    }

    fn keys(board: *const Board) []Cell {
        const first: [*]Cell = @ptrFromInt(@as(usize, @intCast(board.base + header_size)));
        return first[0..board.capacity];
    }

    fn names(board: *const Board) []Name {
        const offset = header_size + @as(u64, board.capacity) * @sizeOf(Cell);
        const first: [*]Name = @ptrFromInt(@as(usize, @intCast(board.base + offset)));
        return first[0..board.capacity];
    }

    pub fn slot(board: *const Board, index: u32) ?*Slot {
        if (board.base == 0 or index >= board.capacity) return null;
        const first: [*]Slot = @ptrFromInt(@as(usize, @intCast(board.base + board.slots_offset)));
        return &first[index];
    }
};

/// Of the file: `Foreign` is also one that is no board of this layout (left untouched), `NotFound` also a board
/// that nobody has prepared since the machine started, `Busy` that others held its lock for a second.
pub const OpenError = board_file.Error || error{
    Unsupported,
    /// Capacity or path out of bounds.
    OutOfBounds,
};

/// Opens the board at `path`, making or emptying it where needed.
pub fn open(board: *Board, path: [*:0]const u8) OpenError!void {
    if (comptime !supported) return error.Unsupported;
    if (board.mode == .read) return open_to_read(board, path);
    if (board.capacity == 0 or board.capacity > capacity_max) return error.OutOfBounds;
    for (0..open_tries_max) |_| {
        const fd = try board_file.open(path, .{
            .ACCMODE = .RDWR,
            .CREAT = true,
            .CLOEXEC = true,
            .NOFOLLOW = true,
            .NONBLOCK = true,
        });
        errdefer board_file.close(fd);
        try board_file.lock(fd, open_tries_max);
        // Somebody may have removed the file between our open and our lock: then it is nobody's board.
        if (!try board_file.is_at(fd, path)) {
            board_file.close(fd);
            continue;
        }
        try prepare(board, fd);
        board_file.unlock(fd);
        return;
    }
    return error.Busy;
}

fn open_to_read(board: *Board, path: [*:0]const u8) OpenError!void {
    const fd = try board_file.open(path, .{
        .ACCMODE = .RDONLY,
        .CLOEXEC = true,
        .NOFOLLOW = true,
        .NONBLOCK = true,
    });
    errdefer board_file.close(fd);
    const file = try board_file.stat(fd);
    try board_file.check_owner(file);
    if (file.size == 0) return error.NotFound;
    try map(board, fd, file, .{ .READ = true }, false);
    errdefer unmap(board);
    const header = board.header();
    const state = @atomicLoad(Header.State, &header.state, .acquire);
    if (state != .ready or !std.mem.eql(u8, &header.boot_id, &try board_file.boot_id())) return error.NotFound;
    board.fresh = 0;
}

/// Called with the file's lock held.
fn prepare(board: *Board, fd: i32) OpenError!void {
    var file = try board_file.stat(fd);
    try board_file.check_owner(file);
    const is_new = file.size == 0;
    if (is_new) {
        try board_file.allocate(fd, file_size(board.capacity));
        file = try board_file.stat(fd);
    }
    try map(board, fd, file, .{ .READ = true, .WRITE = true }, is_new);
    errdefer unmap(board);

    const header = board.header();
    const boot = try board_file.boot_id();
    const is_ready = @atomicLoad(Header.State, &header.state, .acquire) == .ready;
    const is_ours = std.mem.eql(u8, &header.boot_id, &boot) and
        std.mem.eql(u8, &header.journal_id, &board.journal_id);
    board.fresh = @intFromBool(!is_ready or !is_ours);
    if (board.fresh == 1) reset(board, boot, is_new);
    board.generation = @atomicLoad(u32, &header.generation, .acquire);
}

/// Makes the board an empty one of this boot and this journal, in place. Called with the file's lock held.
fn reset(board: *const Board, boot: [16]u8, is_zero: bool) void {
    const header = board.header();
    @atomicStore(Header.State, &header.state, .preparing, .release);
    const body: [*]u8 = @ptrCast(header);
    if (!is_zero) @memset(body[header_size..@intCast(board.size_bytes)], 0);
    header.boot_id = boot;
    header.journal_id = board.journal_id;
    @atomicStore(u64, &header.head_seq, 0, .release);
    _ = @atomicRmw(u32, &header.generation, .Add, 1, .seq_cst);
    @atomicStore(Header.State, &header.state, .ready, .release);
}

/// For a board that was just opened, whose journal's head is `seq`: empties it when it shows a later one, of a
/// journal that was put back. Answers whether it did; not when somebody else has emptied it since.
pub fn rewind(board: *Board, seq: u64) LockError!bool {
    if (comptime !supported) return error.Closed;
    if (board.base == 0 or board.mode == .read) return error.Closed;
    try board_file.lock(board.fd, open_tries_max);
    defer board_file.unlock(board.fd);
    const header = board.header();
    const is_ours = @atomicLoad(u32, &header.generation, .acquire) == board.generation;
    const is_ahead = @atomicLoad(u64, &header.head_seq, .acquire) > seq;
    if (is_ours and is_ahead) reset(board, header.boot_id, false);
    board.generation = @atomicLoad(u32, &header.generation, .acquire);
    return is_ours and is_ahead;
}

/// Maps the file and checks that it is a board of this layout. A file that was allocated but never
/// prepared (its maker was killed) has a header of zeros and the size that its maker gave it.
fn map(
    board: *Board,
    fd: i32,
    file: linux.Statx,
    protection: linux.PROT,
    is_new: bool,
) OpenError!void {
    if (file.size <= header_size or file.size > file_size(capacity_max)) return error.Foreign;
    const capacity: u32 = @intCast((file.size - header_size) / bytes_per_slot);
    if (capacity == 0 or file.size != file_size(capacity)) return error.Foreign;
    const result = linux.mmap(null, @intCast(file.size), protection, .{ .TYPE = .SHARED }, fd, 0);
    if (linux.errno(result) != .SUCCESS) return error.Os;
    board.base = result;
    board.size_bytes = file.size;
    errdefer unmap(board);

    const header = board.header();
    if (std.mem.allEqual(u8, std.mem.asBytes(header), 0)) {
        if (!protection.WRITE) return error.NotFound;
        const all: [*]const u8 = @ptrCast(header);
        if (!is_new and !std.mem.allEqual(u8, all[0..@intCast(file.size)], 0)) return error.Foreign;
        header.layout_hash = layout_hash;
        header.capacity = capacity;
        header.magic = magic;
    }
    if (!std.mem.eql(u8, &header.magic, &magic)) return error.Foreign;
    if (header.layout_hash != layout_hash) return error.Foreign;
    if (header.capacity != capacity) return error.Foreign;

    board.capacity = capacity;
    board.slots_offset = header_size + capacity * (@sizeOf(Cell) + @sizeOf(Name));
    board.fd = fd;
    board.inode = file.ino;
    board.device = @as(u64, file.dev_major) << 32 | file.dev_minor;
    board.generation = @atomicLoad(u32, &header.generation, .acquire);
}

const bytes_per_slot = @sizeOf(Cell) + @sizeOf(Name) + slot_module.slot_size;

fn file_size(capacity: u32) u64 {
    return header_size + @as(u64, capacity) * bytes_per_slot;
}

pub fn close(board: *Board) void {
    if (comptime !supported) return;
    if (board.base == 0) return;
    unmap(board);
    board_file.close(board.fd);
    board.fd = -1;
}

pub const FindError = error{ Closed, OutOfBounds, NotFound, Full, Permission };

/// The slot of a name. `NotFound` when it has none and `create` is false.
pub fn find(board: *const Board, name: []const u8, create: bool) FindError!u32 {
    if (board.base == 0) return error.Closed;
    if (name.len == 0 or name.len > name_max) return error.OutOfBounds;
    if (create and board.mode == .read) return error.Permission;
    const key = key_of(name);
    const keys = board.keys();
    const start: u32 = @truncate(@as(u128, @bitCast(key)) % board.capacity);
    for (0..board.capacity) |step| {
        const index: u32 = @intCast((start + step) % board.capacity);
        var found = keys[index].load();
        if (found == Value{}) {
            if (!create) return error.NotFound;
            found = if (keys[index].compare_swap(.{}, key)) key else keys[index].load();
        }
        if (found == key) {
            if (create) write_name(&board.names()[index], name);
            return index;
        }
    }
    return if (create) error.Full else error.NotFound;
}

/// The name in slot `index`, into `out`; its length, 0 when the slot is free.
pub fn name_at(board: *const Board, index: u32, out: *[name_max]u8) FindError!u32 {
    if (board.base == 0) return error.Closed;
    if (index >= board.capacity) return error.OutOfBounds;
    const name = &board.names()[index];
    const length = @atomicLoad(u8, &name.length, .acquire);
    if (length > name_max) return 0;
    @memcpy(out[0..length], name.text[0..length]);
    return length;
}

fn write_name(to: *Name, name: []const u8) void {
    if (@atomicLoad(u8, &to.length, .acquire) == name.len) return;
    @memcpy(to.text[0..name.len], name);
    @atomicStore(u8, &to.length, @intCast(name.len), .release);
}

/// Never all zeros: zeros mean a free place.
fn key_of(name: []const u8) Value {
    var digest: [32]u8 = undefined;
    std.crypto.hash.sha2.Sha256.hash(name, &digest, .{});
    digest[0] |= 1;
    return @bitCast(digest[0..16].*);
}

pub const LockError = error{ Closed, Busy };
pub const WriteError = LockError || error{OutOfBounds};

/// A swap that writes rollouts, which other writers of rollouts keep out of meanwhile: lock, swap and unlock in one
/// call, so that no thread that is ended between them leaves the lock. `LostRace` also when the rollouts are no longer
/// those that the writer saw.
pub fn swap(
    board: *const Board,
    index: u32,
    request: *slot_module.Swap,
    seen: ?*const slot_module.Rollouts,
    history: ?*History,
) (WriteError || Slot.SwapError)!void {
    if (comptime !supported) return error.Closed;
    const target = try slot_to_write(board, index);
    try board_file.lock(board.fd, write_tries_max);
    defer board_file.unlock(board.fd);
    if (seen) |rollouts| if (!target.has_rollouts(rollouts)) return error.LostRace;
    _ = try target.swap(request, history);
}

/// `Slot.seed` with the lock that it needs.
pub fn seed(board: *const Board, index: u32, image: *const slot_module.Image) WriteError!bool {
    if (comptime !supported) return error.Closed;
    const target = try slot_to_write(board, index);
    try board_file.lock(board.fd, write_tries_max);
    defer board_file.unlock(board.fd);
    return target.seed(image);
}

fn slot_to_write(board: *const Board, index: u32) error{ Closed, OutOfBounds }!*Slot {
    if (board.base == 0 or board.mode == .read) return error.Closed;
    return board.slot(index) orelse error.OutOfBounds;
}

pub const Health = enum(u8) { ok = 0, replaced = 1, emptied = 2 };

/// Whether this mapping is still the board that others at `path` see.
pub fn check(board: *const Board, path: [*:0]const u8) Health {
    if (comptime !supported) return .ok;
    if (board.base == 0) return .replaced;
    if (!(board_file.is_at(board.fd, path) catch false)) return .replaced;
    const generation = @atomicLoad(u32, &board.header().generation, .acquire);
    return if (generation == board.generation) .ok else .emptied;
}

/// Tells every process that the journal's head is at least `seq`.
pub fn announce_head(board: *const Board, seq: u64) void {
    if (board.base == 0 or board.mode == .read) return;
    const header = board.header();
    if (@atomicRmw(u64, &header.head_seq, .Max, seq, .seq_cst) >= seq) return;
    _ = @atomicRmw(u32, &header.head_notify, .Add, 1, .seq_cst);
    if (@atomicLoad(u32, &header.head_waiters, .seq_cst) > 0) clock.wake_all(&header.head_notify);
}

pub fn head(board: *const Board) u64 {
    if (board.base == 0) return 0;
    return @atomicLoad(u64, &board.header().head_seq, .acquire);
}

/// Sleeps until slot `index` changes from `seen` (its notify word), or the time is over.
pub fn wait(board: *const Board, index: u32, seen: u32, timeout_ms: u32) clock.Woken {
    const target = board.slot(index) orelse return .unsupported;
    // A reader maps the board read-only and cannot count itself as a sleeper: it looks again each slice.
    if (board.mode == .read) return wait_unannounced(target, seen, timeout_ms);
    _ = @atomicRmw(u32, &target.waiters, .Add, 1, .seq_cst);
    defer _ = @atomicRmw(u32, &target.waiters, .Sub, 1, .seq_cst);
    return clock.wait(&target.notify, seen, timeout_ms);
}

fn wait_unannounced(target: *const Slot, seen: u32, timeout_ms: u32) clock.Woken {
    const slice_ms = 5;
    var left_ms = timeout_ms;
    while (@atomicLoad(u32, &target.notify, .acquire) == seen) {
        if (left_ms == 0) return .timeout;
        const step_ms = @min(slice_ms, left_ms);
        _ = clock.wait(&target.notify, seen, step_ms);
        left_ms -= step_ms;
    }
    return .changed;
}

fn unmap(board: *Board) void {
    const result = linux.munmap(@ptrFromInt(@as(usize, @intCast(board.base))), @intCast(board.size_bytes));
    assert(linux.errno(result) == .SUCCESS);
    board.base = 0;
}

const testing = std.testing;

const TestFile = struct {
    path: [:0]const u8,
    buffer: [64]u8 = undefined,

    fn init(file: *TestFile) !void {
        var random: [8]u8 = undefined;
        _ = linux.getrandom(&random, random.len, 0);
        file.path = try std.fmt.bufPrintSentinel(&file.buffer, "/tmp/c13-board-{x}", .{random}, 0);
    }

    fn remove(file: *TestFile) void {
        _ = linux.unlinkat(linux.AT.FDCWD, file.path, 0);
    }
};

fn open_for_test(file: *const TestFile, journal_id: u8, mode: Mode) OpenError!Board {
    var board = std.mem.zeroes(Board);
    board.journal_id = @splat(journal_id);
    board.capacity = 64;
    board.mode = mode;
    try open(&board, file.path);
    return board;
}

test "what one mapping writes the other reads, and a reader cannot create" {
    if (comptime !supported) return error.SkipZigTest;
    var file: TestFile = .{ .path = undefined };
    try file.init();
    defer file.remove();
    try testing.expectError(error.NotFound, open_for_test(&file, 1, .read));
    var one = try open_for_test(&file, 1, .write);
    defer close(&one);
    try testing.expectEqual(@as(u8, 1), one.fresh);
    var two = try open_for_test(&file, 1, .read);
    defer close(&two);

    const index = try find(&one, "checkout/production", true);
    try testing.expectEqual(index, try find(&one, "checkout/production", false));
    try testing.expectEqual(index, try find(&two, "checkout/production", false));
    try testing.expectError(error.NotFound, find(&two, "other", false));
    try testing.expectError(error.Permission, find(&two, "other", true));
    var name: [name_max]u8 = undefined;
    try testing.expectEqualStrings("checkout/production", name[0..try name_at(&two, index, &name)]);

    var request = std.mem.zeroes(slot_module.Swap);
    request.desired[13] = 77;
    const seen = two.slot(index).?.notify;
    try testing.expectEqual(1, try one.slot(index).?.swap(&request, null));
    try testing.expectEqual(@as(u8, 77), (try two.slot(index).?.read()).config.rows);
    try testing.expectEqual(clock.Woken.changed, wait(&two, index, seen, 1000));
    try testing.expectEqual(clock.Woken.timeout, wait(&one, index, seen +% 1, 1));
    announce_head(&one, 41);
    announce_head(&one, 7);
    try testing.expectEqual(@as(u64, 41), head(&two));
}

test "another journal's board is emptied in place and its users can tell" {
    if (comptime !supported) return error.SkipZigTest;
    var file: TestFile = .{ .path = undefined };
    try file.init();
    defer file.remove();
    var old = try open_for_test(&file, 1, .write);
    defer close(&old);
    _ = try find(&old, "default", true);
    var same = try open_for_test(&file, 1, .write);
    try testing.expectEqual(@as(u8, 0), same.fresh);
    close(&same);
    try testing.expectEqual(Health.ok, check(&old, file.path));
    var new = try open_for_test(&file, 2, .write);
    defer close(&new);
    try testing.expectEqual(@as(u8, 1), new.fresh);
    try testing.expectEqual(Health.emptied, check(&old, file.path));
    try testing.expectError(error.NotFound, find(&old, "default", false));
}

test "a board that is ahead of its journal is emptied once, and its users can tell" {
    if (comptime !supported) return error.SkipZigTest;
    var file: TestFile = .{ .path = undefined };
    try file.init();
    defer file.remove();
    var old = try open_for_test(&file, 1, .write);
    defer close(&old);
    _ = try find(&old, "default", true);
    announce_head(&old, 9);
    var one = try open_for_test(&file, 1, .write);
    defer close(&one);
    var two = try open_for_test(&file, 1, .write);
    defer close(&two);
    try testing.expect(!try rewind(&one, 9));
    try testing.expect(try rewind(&one, 8));
    try testing.expectEqual(Health.emptied, check(&old, file.path));
    try testing.expectError(error.NotFound, find(&one, "default", false));
    announce_head(&one, 10);
    // Who decided by what the board showed before must not empty what the first has filled since.
    try testing.expect(!try rewind(&two, 8));
    for ([_]*const Board{ &one, &two }) |board| try testing.expectEqual(Health.ok, check(board, file.path));
}

test "rollouts are written only over those that the writer saw" {
    if (comptime !supported) return error.SkipZigTest;
    var file: TestFile = .{ .path = undefined };
    try file.init();
    defer file.remove();
    var board = try open_for_test(&file, 1, .write);
    defer close(&board);
    const index = try find(&board, "default", true);
    var request = std.mem.zeroes(slot_module.Swap);
    request.has_rollouts = 1;
    request.rollouts[3] = 500;
    request.desired[13] = 77;
    var seen: slot_module.Rollouts = @splat(0);
    try swap(&board, index, &request, &seen, null);
    request.expected = @bitCast(@as(u128, @bitCast(board.slot(index).?.cell.load())));
    try testing.expectError(error.LostRace, swap(&board, index, &request, &seen, null));
    seen[3] = 500;
    try swap(&board, index, &request, &seen, null);
    try testing.expectEqual(2, (try board.slot(index).?.read()).revision);
    try testing.expectError(error.OutOfBounds, swap(&board, 64, &request, null, null));
    const other = try board_file.open(file.path, .{ .ACCMODE = .RDWR, .CLOEXEC = true });
    defer board_file.close(other);
    try board_file.lock(other, 1);
    try testing.expectError(error.Busy, swap(&board, index, &request, &seen, null));
    try testing.expectError(error.Busy, seed(&board, index, &std.mem.zeroes(slot_module.Image)));
}

test "a removed board is noticed, and every name finds a place until it is full" {
    if (comptime !supported) return error.SkipZigTest;
    var file: TestFile = .{ .path = undefined };
    try file.init();
    var board = try open_for_test(&file, 0, .write);
    defer close(&board);
    var taken = [_]bool{false} ** 64;
    var name: [8]u8 = undefined;
    for (0..64) |i| {
        const index = try find(&board, try std.fmt.bufPrint(&name, "n{d}", .{i}), true);
        try testing.expect(!taken[index]);
        taken[index] = true;
    }
    try testing.expectError(error.Full, find(&board, "one-more", true));
    try testing.expectError(error.NotFound, find(&board, "one-more", false));
    try testing.expectError(error.OutOfBounds, find(&board, "", true));
    file.remove();
    try testing.expectEqual(Health.replaced, check(&board, file.path));
}

test "a file that is not a board is refused and left as it is" {
    if (comptime !supported) return error.SkipZigTest;
    var file: TestFile = .{ .path = undefined };
    try file.init();
    defer file.remove();
    const fd = try board_file.open(file.path, .{ .ACCMODE = .RDWR, .CREAT = true, .CLOEXEC = true });
    defer board_file.close(fd);
    const text = [_]u8{'x'} ** 20_000;
    try testing.expectEqual(text.len, linux.pwrite(fd, &text, text.len, 0));
    try testing.expectError(error.Foreign, open_for_test(&file, 0, .write));
    try testing.expectError(error.Foreign, open_for_test(&file, 0, .read));
    var after: [text.len]u8 = undefined;
    try testing.expectEqual(text.len, linux.pread(fd, &after, after.len, 0));
    try testing.expectEqualSlices(u8, &text, &after);
}

test "names are opened from many threads without losing or doubling one" {
    if (comptime !supported or builtin.single_threaded) return error.SkipZigTest;
    var file: TestFile = .{ .path = undefined };
    try file.init();
    defer file.remove();
    var board = try open_for_test(&file, 0, .write);
    defer close(&board);
    var found: [4][48]u32 = undefined;
    const Finder = struct {
        fn run(shared: *const Board, out: *[48]u32) void {
            var name: [8]u8 = undefined;
            for (out, 0..) |*slot, i| {
                const text = std.fmt.bufPrint(&name, "n{d}", .{i}) catch unreachable;
                slot.* = find(shared, text, true) catch std.math.maxInt(u32);
            }
        }
    };
    var threads: [4]std.Thread = undefined;
    for (&threads, &found) |*thread, *out| thread.* = try .spawn(.{}, Finder.run, .{ &board, out });
    for (threads) |thread| thread.join();
    for (found[1..]) |other| try testing.expectEqualSlices(u32, &found[0], &other);
}
