//! Everything TypeScript must agree with, described at compile time as text, one fact a line, and one hash
//! over it. No pointer width appears in it, so the native library and the wasm module share the hash.
const std = @import("std");
const builtin = @import("builtin");
const api_core = @import("api_core.zig");
const api_native = @import("api_native.zig");
const config = @import("immutable/config.zig");
const record = @import("immutable/record.zig");
const history = @import("immutable/history.zig");
const flags = @import("features/flags.zig");
const columns = @import("features/columns.zig");
const slot = @import("shared/slot.zig");
const board = @import("shared/board.zig");
const frame = @import("wire/frame.zig");
const pty = @import("terminal/pty.zig");
const headers = @import("wire/headers.zig");
const result = @import("result.zig");

pub const symbol_prefix = "c13_";

/// Raised by hand when the meaning of something changes that the text cannot show.
const epoch = 2;

pub const core: []const u8 = text: {
    @setEvalBranchQuota(4_000_000);
    break :text std.fmt.comptimePrint("epoch {d}\n", .{epoch}) ++
        layout_text("config", config.Config) ++
        layout_text("record", record.Record) ++
        layout_text("history", history.History) ++
        layout_text("history_entry", history.HistoryEntry) ++
        layout_text("slot", slot.Slot) ++
        layout_text("swap", slot.Swap) ++
        layout_text("image", slot.Image) ++
        layout_text("flag_change", flags.FlagChange) ++
        layout_text("flag_query", flags.FlagQuery) ++
        layout_text("column_write", api_core.ColumnWrite) ++
        layout_text("column_list", api_core.ColumnList) ++
        layout_text("frame", frame.Frame) ++
        layout_text("frame_outcome", api_core.FrameOutcome) ++
        layout_text("header_value", headers.Parsed) ++
        layout_text("header_set", headers.HeaderSet) ++
        layout_text("headers_parsed", api_core.HeadersParsed) ++
        bits_text("feature_bit", flags.FeatureFlags) ++
        bits_text("config_fault", config.ConfigFault) ++
        bits_text("config_field", config.ConfigField) ++
        enum_text("terminal_mode", config.TerminalMode) ++
        enum_text("change_kind", history.ChangeKind) ++
        enum_text("frame_type", frame.FrameType) ++
        enum_text("header", headers.Header) ++
        enum_text("result", result.Result) ++
        constant_text("header_absent", headers.HeaderSet.absent) ++
        constant_text("header_value_size_max", headers.value_size_max) ++
        constant_text("history_length", history.history_length) ++
        constant_text("columns_capacity_max", columns.capacity_max) ++
        constant_text("default_registry_hash", config.default_registry_hash) ++
        functions_text(api_core);
};

pub const native: []const u8 = text: {
    @setEvalBranchQuota(2_000_000);
    break :text layout_text("board", board.Board) ++
        layout_text("board_wait", api_native.BoardWait) ++
        layout_text("pty_size", pty.Size) ++
        layout_text("pty_report", pty.Report) ++
        enum_text("pty_mode", pty.Mode) ++
        enum_text("pty_state", pty.State) ++
        enum_text("pty_signal", pty.Signal) ++
        constant_text("board_capacity_max", board.capacity_max) ++
        constant_text("board_name_max", board.name_max) ++
        functions_text(api_native);
};

pub const core_hash = hash_text(core);
pub const native_hash = hash_text(native);

fn hash_text(comptime text: []const u8) u64 {
    @setEvalBranchQuota(4_000_000);
    return comptime std.hash.Fnv1a_64.hash(text);
}

/// `fn noun_verb(type name,...)type`, in the order of the file.
fn functions_text(comptime api: type) []const u8 {
    var text: []const u8 = "";
    for (@typeInfo(api).@"struct".decls) |decl| {
        const info = @typeInfo(@TypeOf(@field(api, decl.name)));
        if (info != .@"fn") continue;
        text = text ++ "fn " ++ decl.name ++ "(";
        for (info.@"fn".params, 0..) |param, i| {
            text = text ++ (if (i == 0) "" else ",") ++ wire_type(param.type.?);
        }
        text = text ++ ")" ++ wire_type(info.@"fn".return_type.?) ++ "\n";
    }
    return text;
}

/// What crosses: fixed-width integers, enums of them, and pointers (with the name of what they point to).
fn wire_type(comptime T: type) []const u8 {
    return switch (@typeInfo(T)) {
        .void => "void",
        .pointer => |p| "ptr " ++ @typeName(p.child),
        .optional => |o| "ptr ?" ++ @typeName(@typeInfo(o.child).pointer.child),
        .int => switch (T) {
            u8, u16, u32, i32, u64 => @typeName(T),
            else => @compileError("not allowed across the ABI: " ++ @typeName(T)),
        },
        .@"enum" => |e| wire_type(e.tag_type),
        else => @compileError("not allowed across the ABI: " ++ @typeName(T)),
    };
}

fn layout_text(comptime name: []const u8, comptime T: type) []const u8 {
    var text: []const u8 = std.fmt.comptimePrint("struct {s} {d}\n", .{ name, @sizeOf(T) });
    for (@typeInfo(T).@"struct".fields) |field| {
        if (std.mem.eql(u8, field.name, "_")) continue;
        text = text ++ std.fmt.comptimePrint("offset {s} {s} {d}\n", .{
            name, field.name, @offsetOf(T, field.name),
        });
        text = text ++ std.fmt.comptimePrint("width {s} {s} {d}\n", .{
            name, field.name, @sizeOf(field.type),
        });
    }
    return text;
}

fn bits_text(comptime name: []const u8, comptime T: type) []const u8 {
    var text: []const u8 = "";
    for (@typeInfo(T).@"struct".fields) |field| {
        if (field.type != bool) continue;
        text = text ++ std.fmt.comptimePrint("value {s} {s} {d}\n", .{
            name, field.name, @bitOffsetOf(T, field.name),
        });
    }
    return text;
}

fn enum_text(comptime name: []const u8, comptime T: type) []const u8 {
    var text: []const u8 = "";
    for (@typeInfo(T).@"enum".fields) |field| {
        text = text ++ std.fmt.comptimePrint("value {s} {s} {d}\n", .{ name, field.name, field.value });
    }
    return text;
}

fn constant_text(comptime name: []const u8, comptime value: comptime_int) []const u8 {
    return std.fmt.comptimePrint("constant {s} {d}\n", .{ name, value });
}
