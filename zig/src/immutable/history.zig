//! The last 100 changes of a config in 8 KB of fixed memory: what a process can say about itself without
//! asking the journal. One writer; the oldest entry makes room for the newest.
const std = @import("std");
const assert = std.debug.assert;
const config_module = @import("config.zig");
const Config = config_module.Config;
const ConfigField = config_module.ConfigField;

pub const history_length = 100;
pub const history_size = 8192;

/// What kind of change an entry is. Stored by callers: numbers never change.
pub const ChangeKind = enum(u8) {
    create = 0,
    update = 1,
    reset = 2,
    template = 3,
    rollback = 4,
    migrate = 5,
    restore = 6,
    persist = 7,
    revert = 8,
    delete = 9,
    _,
};

pub const HistoryEntry = extern struct {
    revision: u64,
    /// Milliseconds since 1970.
    at_ms: u64,
    before: Config,
    after: Config,
    kind: ChangeKind,
    changed: ConfigField,
    /// Nanoseconds, 0 when not measured.
    read_ns: u32,
    write_ns: u32,
    /// Features whose rollout changed.
    rollouts_changed: u32,
    _: [24]u8,

    comptime {
        assert(@sizeOf(HistoryEntry) == 80);
        assert(@offsetOf(HistoryEntry, "before") == 16);
        assert(@offsetOf(HistoryEntry, "after") == 29);
        assert(@offsetOf(HistoryEntry, "kind") == 42);
        assert(@offsetOf(HistoryEntry, "changed") == 43);
        assert(@offsetOf(HistoryEntry, "read_ns") == 44);
        assert(@offsetOf(HistoryEntry, "rollouts_changed") == 52);
    }
};

pub const History = extern struct {
    /// Entries ever pushed; the newest is at `(pushed - 1) % history_length`.
    pushed: u64,
    _: [23]u64,
    entries: [history_length]HistoryEntry,

    comptime {
        assert(@sizeOf(History) == history_size);
        assert(@offsetOf(History, "entries") == 192);
    }

    pub fn push(history: *History, entry: HistoryEntry) void {
        history.entries[@intCast(history.pushed % history_length)] = entry;
        history.pushed += 1;
    }

    pub fn length(history: *const History) u32 {
        return @intCast(@min(history.pushed, history_length));
    }

    /// Entry `index` counted from the oldest kept; null when there is none.
    pub fn get(history: *const History, index: u32) ?*const HistoryEntry {
        if (index >= history.length()) return null;
        const oldest = history.pushed - history.length();
        return &history.entries[@intCast((oldest + index) % history_length)];
    }
};

test "the ring keeps the last hundred in order" {
    var history: History = std.mem.zeroes(History);
    try std.testing.expectEqual(null, history.get(0));
    for (1..251) |revision| {
        var entry = std.mem.zeroes(HistoryEntry);
        entry.revision = revision;
        history.push(entry);
        const expected = @min(revision, history_length);
        try std.testing.expectEqual(expected, history.length());
        try std.testing.expectEqual(revision, history.get(@intCast(expected - 1)).?.revision);
        try std.testing.expectEqual(revision - expected + 1, history.get(0).?.revision);
    }
    try std.testing.expectEqual(null, history.get(history_length));
}
