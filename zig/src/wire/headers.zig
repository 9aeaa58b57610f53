//! The `X-Bun-*` headers that carry a config between registries: one form each, bounds checked, and the
//! dump (a whole record in hex) checked by its CRC-64. Anything but the one form is refused.
const std = @import("std");
const assert = std.debug.assert;
const config_module = @import("../immutable/config.zig");
const record_module = @import("../immutable/record.zig");
const Config = config_module.Config;
const Record = record_module.Record;

/// Numbers cross the border to JavaScript: they never change.
pub const Header = enum(u8) {
    config_version = 0,
    registry_hash = 1,
    feature_flags = 2,
    terminal_mode = 3,
    terminal_rows = 4,
    terminal_cols = 5,
    config_dump = 6,
    _,
};

/// The longest value: 32 bytes in hex.
pub const value_size_max = record_module.record_size * 2;

/// What a header says: `number` for the single fields, `config` for the dump.
pub const Parsed = extern struct {
    number: u32,
    config: Config,
    _: [3]u8 = @splat(0),

    comptime {
        assert(@sizeOf(Parsed) == 20);
        assert(@offsetOf(Parsed, "config") == 4);
    }
};

pub const ParseError = error{ UnknownHeader, BadFormat, OutOfBounds, BadChecksum };

pub fn parse(header: Header, value: []const u8) ParseError!Parsed {
    var parsed: Parsed = .{ .number = 0, .config = .{} };
    switch (header) {
        .config_version => parsed.number = try decimal(value, 0, 1),
        .registry_hash, .feature_flags => parsed.number = try hex_word(value),
        .terminal_mode => parsed.number = try decimal(value, 0, 3),
        .terminal_rows, .terminal_cols => parsed.number = try decimal(value, 1, 255),
        .config_dump => parsed.config = try dump(value),
        _ => return error.UnknownHeader,
    }
    return parsed;
}

/// Writes the header's value and returns its length.
pub fn format(header: Header, config: Config, out: *[value_size_max]u8) error{UnknownHeader}!u32 {
    const written = switch (header) {
        .config_version => print(out, "{d}", .{@intFromEnum(config.version)}),
        .registry_hash => print(out, "0x{x:0>8}", .{config.registry_hash}),
        .feature_flags => print(out, "0x{x:0>8}", .{@as(u32, @bitCast(config.feature_flags))}),
        .terminal_mode => print(out, "{d}", .{@intFromEnum(config.terminal_mode)}),
        .terminal_rows => print(out, "{d}", .{config.rows}),
        .terminal_cols => print(out, "{d}", .{config.cols}),
        .config_dump => print(out, "{x}", .{std.mem.asBytes(&Record.seal(config))}),
        _ => return error.UnknownHeader,
    };
    return @intCast(written.len);
}

fn print(out: *[value_size_max]u8, comptime text: []const u8, arguments: anytype) []u8 {
    return std.fmt.bufPrint(out, text, arguments) catch |err| switch (err) {
        error.NoSpaceLeft => unreachable, // the longest value is the dump, which fits exactly
    };
}

/// Digits only, no sign, no leading zero.
fn decimal(value: []const u8, smallest: u32, largest: u32) ParseError!u32 {
    if (value.len == 0 or value.len > 3) return error.BadFormat;
    if (value.len > 1 and value[0] == '0') return error.BadFormat;
    var number: u32 = 0;
    for (value) |digit| {
        if (!std.ascii.isDigit(digit)) return error.BadFormat;
        number = number * 10 + (digit - '0');
    }
    if (number < smallest or number > largest) return error.OutOfBounds;
    return number;
}

/// `0x` and exactly eight lower-case digits.
fn hex_word(value: []const u8) ParseError!u32 {
    if (value.len != 10 or value[0] != '0' or value[1] != 'x') return error.BadFormat;
    var bytes: [4]u8 = undefined;
    try hex_bytes(value[2..], &bytes);
    return std.mem.readInt(u32, &bytes, .big);
}

fn dump(value: []const u8) ParseError!Config {
    if (value.len != value_size_max) return error.BadFormat;
    var bytes: [record_module.record_size]u8 align(@alignOf(Record)) = undefined;
    try hex_bytes(value, &bytes);
    const record: *const Record = @ptrCast(&bytes);
    if (record.check()) |fault| return switch (fault) {
        .checksum => error.BadChecksum,
        .magic, .reserved => error.BadFormat,
    };
    if (@as(u32, @bitCast(record.config.faults())) != 0) return error.OutOfBounds;
    return record.config;
}

fn hex_bytes(digits: []const u8, out: []u8) ParseError!void {
    assert(digits.len == out.len * 2);
    for (digits) |digit| if (std.ascii.isUpper(digit)) return error.BadFormat;
    _ = std.fmt.hexToBytes(out, digits) catch return error.BadFormat;
}

test "what format writes, parse reads" {
    var prng = std.Random.DefaultPrng.init(3);
    const random = prng.random();
    for (0..500) |_| {
        const config: Config = .{
            .version = @enumFromInt(random.uintAtMost(u8, 1)),
            .registry_hash = random.int(u32),
            .feature_flags = @bitCast(random.int(u32)),
            .terminal_mode = @enumFromInt(random.uintAtMost(u8, 3)),
            .rows = random.intRangeAtMost(u8, 1, 255),
            .cols = random.intRangeAtMost(u8, 1, 255),
        };
        const fields = [_]u32{
            @intFromEnum(config.version),
            config.registry_hash,
            @bitCast(config.feature_flags),
            @intFromEnum(config.terminal_mode),
            config.rows,
            config.cols,
        };
        var buffer: [value_size_max]u8 = undefined;
        for (fields, 0..) |field, i| {
            const header: Header = @enumFromInt(i);
            const length = try format(header, config, &buffer);
            try std.testing.expectEqual(field, (try parse(header, buffer[0..length])).number);
        }
        const length = try format(.config_dump, config, &buffer);
        const parsed = try parse(.config_dump, buffer[0..length]);
        try std.testing.expectEqual(config, parsed.config);
        const at = random.uintLessThan(usize, length);
        buffer[at] = if (buffer[at] == '0') '1' else '0';
        try std.testing.expect(std.meta.isError(parse(.config_dump, buffer[0..length])));
    }
}

test "one form each" {
    const refused = [_]struct { Header, []const u8 }{
        .{ .config_version, "" },          .{ .config_version, "01" },
        .{ .config_version, "+1" },        .{ .config_version, "1 " },
        .{ .config_version, "2" },         .{ .terminal_mode, "4" },
        .{ .terminal_rows, "0" },          .{ .terminal_cols, "256" },
        .{ .feature_flags, "0x0000BFFF" }, .{ .feature_flags, "bff" },
        .{ .feature_flags, "0x0_00bff" },  .{ .registry_hash, "0x123456789" },
        .{ @enumFromInt(7), "1" },         .{ .config_dump, "00" },
        .{ .terminal_rows, "4294967297" },
    };
    for (refused) |case| try std.testing.expect(std.meta.isError(parse(case[0], case[1])));
}
