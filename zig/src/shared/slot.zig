//! Everything one config needs in shared memory, 128 bytes: the cell that decides, and beside it what
//! follows from it (full revision, time, rollouts, a futex word). Only the cell decides who wrote; the rest
//! is written after it by the winner and can be told from stale by its revision.
const std = @import("std");
const builtin = @import("builtin");
const assert = std.debug.assert;
const crc64 = @import("../immutable/crc64.zig");
const config_module = @import("../immutable/config.zig");
const history_module = @import("../immutable/history.zig");
const cell_module = @import("cell.zig");
const clock = @import("clock.zig");
const word = @import("word.zig");
const feature_count = @import("../features/flags.zig").feature_count;
const Config = config_module.Config;
const ConfigField = config_module.ConfigField;
const ChangeKind = history_module.ChangeKind;
const History = history_module.History;
const Cell = cell_module.Cell;
const Value = cell_module.Value;

/// Who may write a slot at the same time.
const Writers = enum { one_thread, many };

pub const slot_size = 128;

/// Basis points per feature, 0-10000.
pub const Rollouts = [feature_count]u16;

/// The full revision and the checksum of the config it belongs to, written by one instruction.
const Seal = packed struct(u128) { revision: u64, checksum: u64 };

pub const Slot = extern struct {
    cell: Cell,
    /// Futex word: goes up by one with every change.
    notify: u32,
    /// Sleepers; a writer makes the system call only when there are any.
    waiters: u32,
    modified_at_ms: u64,
    seal: [16]u8 align(16),
    environment_id: u32,
    region_id: u32,
    cluster_id: u32,
    /// Low 32 bits of the revision that wrote the rollouts below.
    rollouts_revision: u32,
    /// Basis points per feature, 0-10000.
    rollouts: Rollouts,

    comptime {
        assert(@sizeOf(Slot) == slot_size);
        assert(@alignOf(Slot) == 16);
        assert(@offsetOf(Slot, "notify") == 16);
        assert(@offsetOf(Slot, "waiters") == 20);
        assert(@offsetOf(Slot, "modified_at_ms") == 24);
        assert(@offsetOf(Slot, "seal") == 32);
        assert(@offsetOf(Slot, "environment_id") == 48);
        assert(@offsetOf(Slot, "rollouts_revision") == 60);
        assert(@offsetOf(Slot, "rollouts") == 64);
    }

    /// The full revision of a cell's value. A seal can lag behind the cell (its writer was overtaken, or
    /// killed) or be ahead of a cell that was loaded before it, but never by 2^23 changes, so the low bits
    /// say how far.
    fn revision_of(value: Value, seal: Seal) u64 {
        const sealed_low: u24 = @truncate(seal.revision);
        const ahead: i24 = @bitCast(value.revision_low -% sealed_low);
        return seal.revision +% @as(u64, @bitCast(@as(i64, ahead)));
    }

    /// `LostRace`: another writer was faster. `Damaged`: the sealed checksum does not fit the config that the
    /// writer saw, which a new seal would make good. Both: nothing was written.
    pub const SwapError = error{ LostRace, Damaged };

    /// Swaps the cell from what the writer saw to what it wants, writes what follows from it, and answers the
    /// revision taken. Memory that one thread alone can reach is not checked for damage.
    pub fn swap(slot: *Slot, request: *Swap, history: ?*History) SwapError!u64 {
        return if (request.private != 0)
            slot.swap_among(.one_thread, request, history)
        else
            slot.swap_among(.many, request, history);
    }

    fn swap_among(slot: *Slot, comptime writers: Writers, request: *Swap, history: ?*History) SwapError!u64 {
        const began_ns = if (request.timed != 0) clock.monotonic_ns() else 0;
        const expected = value_of(&request.expected);
        const before = expected.get_config();
        const seal = slot.load_seal();
        if (writers == .many and is_damaged(expected, seal)) {
            // What another writer tore while it was read fits no seal either, and is not what the cell holds.
            return if (slot.cell.load() == expected) error.Damaged else error.LostRace;
        }
        const revision = revision_of(expected, seal) +% 1;
        const desired = value_of(&request.desired).get_config();
        if (!put(writers, &slot.cell, expected, .of(desired, revision))) return error.LostRace;

        const wanted_ms = u64_of(&request.at_ms);
        const at_ms = if (wanted_ms != 0) wanted_ms else clock.coarse_ms();
        var rollouts_changed: u32 = 0;
        if (request.has_rollouts != 0) rollouts_changed = slot.store_rollouts(request.rollouts, revision);
        word.store(u64, &slot.modified_at_ms, at_ms);
        slot.store_seal(writers, revision, desired);
        slot.announce(writers);

        if (history) |ring| {
            var changed = before.changed(desired);
            changed.rollouts = rollouts_changed != 0;
            ring.push(.{
                .revision = revision,
                .at_ms = at_ms,
                .before = before,
                .after = desired,
                .kind = request.kind,
                .changed = changed,
                .read_ns = request.read_ns,
                .write_ns = if (request.timed != 0) elapsed(began_ns) else 0,
                .rollouts_changed = rollouts_changed,
                ._ = @splat(0),
            });
        }
        request.revision = revision;
        return revision;
    }

    /// Whether the seal was made for this very revision and another config.
    fn is_damaged(value: Value, seal: Seal) bool {
        // An empty slot can have a seal: its seeder was killed before the cell, which comes last.
        if (value == Value{} or seal.revision == 0 or seal.revision != revision_of(value, seal)) return false;
        return seal.checksum != checksum(value.get_config());
    }

    pub const ReadError = error{Damaged};

    /// The slot as one image. `Damaged` when the sealed checksum does not fit the config it was made for.
    pub fn read(slot: *const Slot) ReadError!Image {
        const value = slot.cell.load();
        const seal = slot.load_seal();
        const revision = if (value == Value{}) 0 else revision_of(value, seal);
        const config = value.get_config();
        if (is_damaged(value, seal)) return error.Damaged;
        var image: Image = .{
            .revision = revision,
            .modified_at_ms = word.load(u64, &slot.modified_at_ms),
            .rollouts_revision = undefined,
            .rollouts = undefined,
            .config = config,
            ._ = @splat(0),
        };
        // Read before their revision, as they are written after it: what is new here is never called old.
        for (&image.rollouts, &slot.rollouts) |*to, *from| to.* = word.load(u16, from);
        const low = word.load(u32, &slot.rollouts_revision);
        const behind = @as(u32, @truncate(revision)) -% low;
        // A rollout writer ahead of the cell that was loaded above: its revision is newer, not 2^32 older.
        image.rollouts_revision = if (behind > std.math.maxInt(i32))
            revision +% (low -% @as(u32, @truncate(revision)))
        else
            revision - @min(behind, revision);
        return image;
    }

    /// Gives the slot a state that the journal has and it lacks: an empty slot its first, one that was
    /// left behind the newest. False, and nothing written, when the slot is as new. The caller holds the
    /// board's lock; the cell decides, so a caller that is killed leaves the slot as it was.
    pub fn seed(slot: *Slot, image: *const Image) bool {
        assert(image.revision > 0);
        while (true) {
            const current = slot.cell.load();
            const is_empty = current == Value{};
            if (is_empty) {
                // What a killed seeder left is no reason to keep its seal, and the first reader needs ours.
                slot.seal = @splat(0);
                slot.store_seal(.many, image.revision, image.config);
            } else {
                const behind = image.revision -| revision_of(current, slot.load_seal());
                if (behind == 0 or behind > std.math.maxInt(i24)) return false;
            }
            word.store(u32, &slot.rollouts_revision, @truncate(image.rollouts_revision));
            for (&slot.rollouts, image.rollouts) |*to, from| word.store(u16, to, from);
            word.store(u64, &slot.modified_at_ms, image.modified_at_ms);
            if (slot.cell.compare_swap(current, .of(image.config, image.revision))) break;
        }
        slot.store_seal(.many, image.revision, image.config);
        slot.announce(.many);
        return true;
    }

    /// Whether the rollouts are still those that a writer saw; asked with the board's lock held.
    pub fn has_rollouts(slot: *const Slot, seen: *const Rollouts) bool {
        for (&slot.rollouts, seen) |*now, then| if (word.load(u16, now) != then) return false;
        return true;
    }

    /// Stored before the values: a reader that meets the new revision with old values is corrected by the
    /// entry of that revision, while new values under the old revision could not be told from stale ones.
    fn store_rollouts(slot: *Slot, rollouts: Rollouts, revision: u64) u32 {
        var changed: u32 = 0;
        word.store(u32, &slot.rollouts_revision, @truncate(revision));
        for (&slot.rollouts, rollouts, 0..) |*to, from, i| {
            if (word.load(u16, to) == from) continue;
            word.store(u16, to, from);
            changed |= @as(u32, 1) << @intCast(i);
        }
        return changed;
    }

    fn load_seal(slot: *const Slot) Seal {
        const cell: *const Cell = @ptrCast(&slot.seal);
        return @bitCast(cell.load());
    }

    /// Only forward: a writer that was overtaken must not put an older seal over a newer one.
    fn store_seal(slot: *Slot, comptime writers: Writers, revision: u64, config: Config) void {
        const desired: Seal = .{ .revision = revision, .checksum = checksum(config) };
        const cell: *Cell = @ptrCast(&slot.seal);
        while (true) {
            const current = slot.load_seal();
            if (current.revision >= revision) return;
            if (put(writers, cell, @bitCast(current), @bitCast(desired))) return;
        }
    }

    /// Word by word, as the caller has just written them: a CPU waits before it loads as one what was stored in parts.
    inline fn value_of(bytes: *const [16]u8) Value {
        const words: *const volatile [4]u32 = @ptrCast(@alignCast(bytes));
        const low = words[0] | @as(u64, words[1]) << 32;
        const high = words[2] | @as(u64, words[3]) << 32;
        return @bitCast(low | @as(u128, high) << 64);
    }

    /// The same for a number that the caller wrote as two words.
    inline fn u64_of(number: *const u64) u64 {
        const words: *const volatile [2]u32 = @ptrCast(number);
        return words[0] | @as(u64, words[1]) << 32;
    }

    /// Alone there is no race to lose, and a locked instruction costs more than all the rest of a swap.
    inline fn put(comptime writers: Writers, cell: *Cell, expected: Value, desired: Value) bool {
        return if (writers == .many) cell.compare_swap(expected, desired) else cell.replace(expected, desired);
    }

    fn announce(slot: *Slot, comptime writers: Writers) void {
        if (comptime builtin.cpu.arch.isWasm() or writers == .one_thread) {
            slot.notify +%= 1;
            return;
        }
        _ = @atomicRmw(u32, &slot.notify, .Add, 1, .seq_cst);
        if (@atomicLoad(u32, &slot.waiters, .seq_cst) > 0) clock.wake_all(&slot.notify);
    }

    fn checksum(config: Config) u64 {
        return crc64.compute(config.as_bytes());
    }
};

/// A request to change a slot, and its answer.
pub const Swap = extern struct {
    /// The cell as the writer saw it.
    expected: [16]u8 align(16),
    /// The cell as it is to be; its revision bytes are ignored.
    desired: [16]u8,
    kind: ChangeKind,
    /// 1: `rollouts` is to be written too; the caller holds the board's lock.
    has_rollouts: u8,
    /// 1: measure how long the write takes.
    timed: u8,
    /// 1: only the calling thread can reach this slot, so plain loads and stores do.
    private: u8,
    /// Nanoseconds the reading before took; 0: not measured.
    read_ns: u32,
    /// Milliseconds since 1970; 0: the coarse clock of the machine, where there is one.
    at_ms: u64,
    /// Answer: the revision taken.
    revision: u64,
    rollouts: Rollouts,

    comptime {
        assert(@sizeOf(Swap) == 128);
        assert(@offsetOf(Swap, "desired") == 16);
        assert(@offsetOf(Swap, "kind") == 32);
        assert(@offsetOf(Swap, "at_ms") == 40);
        assert(@offsetOf(Swap, "revision") == 48);
        assert(@offsetOf(Swap, "rollouts") == 56);
    }
};

/// A slot read whole.
pub const Image = extern struct {
    revision: u64,
    modified_at_ms: u64,
    rollouts_revision: u64,
    rollouts: Rollouts,
    config: Config,
    _: [3]u8,

    comptime {
        assert(@sizeOf(Image) == 104);
        assert(@offsetOf(Image, "rollouts") == 24);
        assert(@offsetOf(Image, "config") == 88);
    }
};

fn elapsed(began_ns: u64) u32 {
    return @intCast(@min(clock.monotonic_ns() - began_ns, std.math.maxInt(u32)));
}

fn request_for(slot: *const Slot, desired: Config) Swap {
    var request = std.mem.zeroes(Swap);
    request.expected = @bitCast(@as(u128, @bitCast(slot.cell.load())));
    request.desired = @bitCast(@as(u128, @bitCast(Value.of(desired, 0))));
    request.at_ms = 1;
    return request;
}

test "a swap takes the next revision, a stale one changes nothing" {
    var slot = std.mem.zeroes(Slot);
    var history = std.mem.zeroes(History);
    const first: Config = .{ .rows = 30 };
    var request = request_for(&slot, first);
    try std.testing.expectEqual(1, try slot.swap(&request, &history));
    const before = slot;
    var stale = request;
    stale.desired = @splat(9);
    try std.testing.expectError(error.LostRace, slot.swap(&stale, &history));
    try std.testing.expectEqualSlices(u8, std.mem.asBytes(&before), std.mem.asBytes(&slot));
    try std.testing.expectEqual(@as(u32, 1), history.length());
    const image = try slot.read();
    try std.testing.expectEqual(@as(u64, 1), image.revision);
    try std.testing.expectEqual(@as(u8, 30), image.config.rows);
}

test "the full revision survives a seal that lags, across the wrap of 24 bits" {
    var slot = std.mem.zeroes(Slot);
    const start: u64 = 0xabff_fffe;
    var image = std.mem.zeroes(Image);
    image.revision = start;
    image.rollouts_revision = start;
    image.config = .{};
    try std.testing.expect(slot.seed(&image));
    try std.testing.expect(!slot.seed(&image));
    // Writers killed between their swap and their seal.
    for (1..5) |i| {
        try std.testing.expect(slot.cell.compare_swap(slot.cell.load(), .of(.{}, start + i)));
        try std.testing.expectEqual(start + i, (try slot.read()).revision);
    }
    var request = request_for(&slot, .{ .cols = 7 });
    try std.testing.expectEqual(start + 5, try slot.swap(&request, null));
    try std.testing.expectEqual(start, (try slot.read()).rollouts_revision);
}

test "a slot that was left behind takes the newer state, one that is as new does not" {
    var slot = std.mem.zeroes(Slot);
    var image = std.mem.zeroes(Image);
    image.revision = 0x1_ff_fffe;
    image.config = .{ .rows = 9 };
    try std.testing.expect(slot.seed(&image));
    var request = request_for(&slot, .{ .rows = 10 });
    try std.testing.expectEqual(image.revision + 1, try slot.swap(&request, null));
    image.revision += 1;
    const before = slot;
    try std.testing.expect(!slot.seed(&image));
    try std.testing.expectEqualSlices(u8, std.mem.asBytes(&before), std.mem.asBytes(&slot));
    image.revision += 4;
    image.rollouts_revision = image.revision;
    image.rollouts[3] = 500;
    try std.testing.expect(slot.seed(&image));
    const read_back = try slot.read();
    try std.testing.expectEqual(image.revision, read_back.revision);
    try std.testing.expectEqual(@as(u8, 9), read_back.config.rows);
    try std.testing.expectEqual(@as(u16, 500), read_back.rollouts[3]);
    image.revision += 1 << 23;
    try std.testing.expect(!slot.seed(&image));
}

test "rollouts carry the revision that wrote them" {
    var slot = std.mem.zeroes(Slot);
    var history = std.mem.zeroes(History);
    var request = request_for(&slot, .{});
    request.has_rollouts = 1;
    request.rollouts[12] = 1000;
    try std.testing.expectEqual(1, try slot.swap(&request, &history));
    request = request_for(&slot, .{ .rows = 2 });
    try std.testing.expectEqual(2, try slot.swap(&request, &history));
    const image = try slot.read();
    try std.testing.expectEqual(@as(u64, 1), image.rollouts_revision);
    try std.testing.expectEqual(@as(u16, 1000), image.rollouts[12]);
    try std.testing.expectEqual(@as(u32, 1 << 12), history.get(0).?.rollouts_changed);
    try std.testing.expectEqual(@as(u32, 0), history.get(1).?.rollouts_changed);
}

test "a config that does not fit its seal is found" {
    var slot = std.mem.zeroes(Slot);
    var request = request_for(&slot, .{});
    _ = try slot.swap(&request, null);
    slot.cell.bytes[9] ^= 0x10;
    try std.testing.expectError(error.Damaged, slot.read());
}

test "bytes from outside never trap" {
    var prng = std.Random.DefaultPrng.init(99);
    for (0..20_000) |_| {
        var slot: Slot = undefined;
        prng.fill(std.mem.asBytes(&slot));
        slot.waiters = 0;
        _ = slot.read() catch |err| try std.testing.expectEqual(error.Damaged, err);
    }
}

test "a damaged config is not sealed anew, and nothing is written over it" {
    var slot = std.mem.zeroes(Slot);
    var request = request_for(&slot, .{ .rows = 30 });
    try std.testing.expectEqual(1, try slot.swap(&request, null));
    const value = slot.cell.load();
    try std.testing.expect(slot.cell.compare_swap(value, .of(.{ .rows = 31 }, 1)));
    try std.testing.expectError(error.Damaged, slot.read());
    const before = slot;
    var next = request_for(&slot, .{ .rows = 32 });
    try std.testing.expectError(error.Damaged, slot.swap(&next, null));
    try std.testing.expectEqualSlices(u8, std.mem.asBytes(&before), std.mem.asBytes(&slot));
    // Torn while it was read: not what the cell holds.
    next.expected[13] +%= 1;
    try std.testing.expectError(error.LostRace, slot.swap(&next, null));
}
