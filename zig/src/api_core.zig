//! Every function that exists on all targets. `pub fn noun_verb` is exported as `c13_noun_verb`: adding one
//! here is the whole edit. Lengths travel beside their pointers; no call keeps a pointer after it returns.
const std = @import("std");
const builtin = @import("builtin");
const config_module = @import("immutable/config.zig");
const record_module = @import("immutable/record.zig");
const crc64 = @import("immutable/crc64.zig");
const history_module = @import("immutable/history.zig");
const flags_module = @import("features/flags.zig");
const rollout = @import("features/rollout.zig");
const columns_module = @import("features/columns.zig");
const slot_module = @import("shared/slot.zig");
const frame_module = @import("wire/frame.zig");
const headers = @import("wire/headers.zig");
const Result = @import("result.zig").Result;
const Config = config_module.Config;
const Record = record_module.Record;
const Columns = columns_module.Columns;
const FlagChange = flags_module.FlagChange;
const FlagQuery = flags_module.FlagQuery;

const memory_alignment: std.mem.Alignment = .@"64";
const allocator = if (builtin.cpu.arch.isWasm()) std.heap.wasm_allocator else std.heap.page_allocator;

/// Zeroed memory, 64-byte aligned, at a place that never moves; null when there is none.
pub fn memory_alloc(size_bytes: u32) callconv(.c) ?[*]u8 {
    if (size_bytes == 0) return null;
    const memory = allocator.rawAlloc(size_bytes, memory_alignment, 0) orelse return null;
    @memset(memory[0..size_bytes], 0);
    return memory;
}

/// Gives memory back; `size_bytes` as it was asked for.
pub fn memory_free(memory: [*]u8, size_bytes: u32) callconv(.c) void {
    allocator.rawFree(memory[0..size_bytes], memory_alignment, 0);
}

pub fn crc64_compute(bytes: [*]const u8, len: u32) callconv(.c) u64 {
    return crc64.compute(bytes[0..len]);
}

/// The textbook table version: what `crc64_compute` is measured against.
pub fn crc64_byte_table(bytes: [*]const u8, len: u32) callconv(.c) u64 {
    return crc64.byte_table(bytes[0..len]);
}

pub const KernelName = extern struct { text: [16]u8 };

/// The name of the CRC-64 kernel, padded with zeros.
pub fn crc64_kernel(out: *KernelName) callconv(.c) void {
    const name = std.mem.span(crc64.kernel_name());
    out.text = @splat(0);
    @memcpy(out.text[0..name.len], name);
}

pub fn murmur3_hash(bytes: [*]const u8, len: u32, seed: u32) callconv(.c) u32 {
    return rollout.murmur3(bytes[0..len], seed);
}

/// 0-9999 for the UTF-8 bytes of `feature:key`.
pub fn rollout_bucket(feature_and_key: [*]const u8, len: u32) callconv(.c) u32 {
    return rollout.bucket(feature_and_key[0..len]);
}

/// ConfigFault bits of each config; 0 means valid.
pub fn configs_check(configs: [*]u8, len: u32, faults: [*]u32) callconv(.c) Result {
    const all = flags_module.configs_of(configs[0..len]) orelse return .bad_length;
    for (all, faults) |config, *found| found.* = @bitCast(config.faults());
    return .ok;
}

pub fn record_seal(config: *const Config, out: *[record_module.record_size]u8) callconv(.c) void {
    out.* = @bitCast(Record.seal(config.*));
}

pub fn record_open(bytes: [*]const u8, len: u32, out: *Config) callconv(.c) Result {
    if (len != record_module.record_size) return .bad_length;
    const record: Record = @bitCast(bytes[0..record_module.record_size].*);
    if (record.check()) |fault| return switch (fault) {
        .magic => .bad_magic,
        .checksum => .bad_checksum,
        .reserved => .bad_reserved,
    };
    out.* = record.config;
    return .ok;
}

/// Changes every config in place; `changed` says how many became different.
pub fn flags_apply(configs: [*]u8, len: u32, change: *const FlagChange, changed: *u32) callconv(.c) Result {
    const all = flags_module.configs_of(configs[0..len]) orelse return .bad_length;
    changed.* = flags_module.apply_all(all, change.*);
    return .ok;
}

pub fn flags_count(configs: [*]u8, len: u32, query: *const FlagQuery, count: *u32) callconv(.c) Result {
    const all = flags_module.configs_of(configs[0..len]) orelse return .bad_length;
    count.* = flags_module.count_rows(all, query.*);
    return .ok;
}

/// Bytes of 64-byte aligned memory for `capacity` configs; 0 when that is out of range.
pub fn columns_size(capacity: u32) callconv(.c) u32 {
    return Columns.size_bytes(capacity) orelse 0;
}

pub fn columns_init(columns: *align(64) Columns, capacity: u32) callconv(.c) Result {
    if (Columns.size_bytes(capacity) == null) return .out_of_bounds;
    columns.init(capacity);
    return .ok;
}

pub const ColumnWrite = extern struct { index: u32, flags: u32 };

/// Writes in their order; stops at the first index out of range.
pub fn columns_write(columns: *align(64) Columns, writes: [*]const ColumnWrite, len: u32) callconv(.c) Result {
    for (writes[0..len]) |write| {
        if (!columns.write(write.index, write.flags)) return .out_of_bounds;
    }
    return .ok;
}

pub fn columns_remove(columns: *align(64) Columns, index: u32) callconv(.c) Result {
    return if (columns.remove(index)) .ok else .out_of_bounds;
}

pub fn columns_count(columns: *align(64) Columns, query: *const FlagQuery) callconv(.c) u32 {
    return columns.count(query.*);
}

pub const ColumnList = extern struct { query: FlagQuery, first: u32 };

/// Numbers of matching configs from `first`, ascending; returns how many were written.
pub fn columns_list(columns: *align(64) Columns, list: *const ColumnList, out: [*]u32, len: u32) callconv(.c) u32 {
    return columns.list(list.query, list.first, out[0..len]);
}

/// Nothing is written when the cell no longer holds what the writer saw (`lost_race`), or what does not fit its seal
/// (`bad_checksum`).
pub fn slot_swap(
    slot: *slot_module.Slot,
    request: *slot_module.Swap,
    history: ?*history_module.History,
) callconv(.c) Result {
    _ = slot.swap(request, history) catch |err| return switch (err) {
        error.LostRace => .lost_race,
        error.Damaged => .bad_checksum,
    };
    return .ok;
}

pub fn slot_read(slot: *const slot_module.Slot, out: *slot_module.Image) callconv(.c) Result {
    out.* = slot.read() catch |err| switch (err) {
        error.Damaged => return .bad_checksum,
    };
    return .ok;
}

/// A state that the slot lacks, from the journal; `not_newer`, and nothing written, when the slot is as new.
pub fn slot_seed(slot: *slot_module.Slot, image: *const slot_module.Image) callconv(.c) Result {
    if (image.revision == 0) return .out_of_bounds;
    return if (slot.seed(image)) .ok else .not_newer;
}

pub fn frame_encode(frame: *const frame_module.Frame, out: *[frame_module.frame_size]u8) callconv(.c) Result {
    if (frame_module.check(frame.*)) |fault| return frame_result(fault);
    frame_module.encode(frame.*, out);
    return .ok;
}

/// A frame, or why there is none.
pub const FrameOutcome = extern struct { frame: frame_module.Frame, result: Result, _: u32 = 0 };

/// Frames that lie one after another, each judged by itself.
pub fn frames_decode(bytes: [*]const u8, len: u32, out: [*]FrameOutcome) callconv(.c) Result {
    if (len % frame_module.frame_size != 0) return .bad_length;
    for (out[0 .. len / frame_module.frame_size], 0..) |*outcome, i| {
        const frame = bytes[i * frame_module.frame_size ..][0..frame_module.frame_size];
        const fault = frame_module.decode(frame, &outcome.frame);
        outcome.result = if (fault) |named| frame_result(named) else .ok;
    }
    return .ok;
}

fn frame_result(fault: frame_module.Fault) Result {
    return switch (fault) {
        .length => .bad_length,
        .checksum => .bad_checksum,
        .frame_type => .bad_frame_type,
        .offset => .bad_frame_offset,
        .value => .bad_frame_value,
    };
}

pub fn header_parse(value: [*]const u8, len: u32, header: headers.Header, out: *headers.Parsed) callconv(.c) Result {
    out.* = headers.parse(header, value[0..len]) catch |err| return header_result(err);
    return .ok;
}

pub const HeadersParsed = extern struct {
    /// In the order of `ConfigField`.
    fields: [headers.field_count]u32,
    /// Bit i: field i is said by a valid header.
    said: u32,
    results: [headers.header_count]Result,
};

/// Judges the headers that came together; answers `ok`, or the fault of the first that has one.
pub fn headers_parse(set: *const headers.HeaderSet, out: *HeadersParsed) callconv(.c) Result {
    const parsed = headers.parse_set(set);
    out.fields = parsed.fields;
    out.said = parsed.said;
    var first: Result = .ok;
    for (parsed.faults, &out.results) |fault, *result| {
        result.* = if (fault) |named| header_result(named) else .ok;
        if (first == .ok) first = result.*;
    }
    return first;
}

fn header_result(fault: headers.ParsedSet.Fault) Result {
    return switch (fault) {
        error.UnknownHeader => .unknown_header,
        error.BadFormat => .bad_format,
        error.OutOfBounds => .out_of_bounds,
        error.BadChecksum => .bad_checksum,
        error.Contradiction => .contradiction,
    };
}

pub fn header_format(
    config: *const Config,
    header: headers.Header,
    out: *[headers.value_size_max]u8,
    len: *u32,
) callconv(.c) Result {
    len.* = headers.format(header, config.*, out) catch |err| return switch (err) {
        error.UnknownHeader => .unknown_header,
    };
    return .ok;
}
