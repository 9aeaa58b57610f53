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

/// Headers of one field each, in the order of `ConfigField`; the dump comes after them.
pub const field_count = 6;
pub const header_count = field_count + 1;

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

/// The values of headers that came together, each in a place of its own.
pub const HeaderSet = extern struct {
    text: [header_count][value_size_max]u8,
    /// `absent` where the header did not come; any other above the longest value is too long to be one.
    lengths: [header_count]u8,

    pub const absent = 0xff;

    comptime {
        assert(@sizeOf(HeaderSet) == header_count * (value_size_max + 1));
        assert(value_size_max + 1 < absent);
    }

    fn parse_at(set: *const HeaderSet, header: Header) ?(ParseError!Parsed) {
        const i = @intFromEnum(header);
        const length = set.lengths[i];
        if (length == absent) return null;
        if (length > value_size_max) return error.BadFormat;
        return parse(header, set.text[i][0..length]);
    }
};

/// What headers that came together say.
pub const ParsedSet = struct {
    /// Those of the dump, where there is a valid one.
    fields: [field_count]u32 = @splat(0),
    said: Said = 0,
    faults: [header_count]?Fault = @splat(null),

    pub const Fault = ParseError || error{Contradiction};
    /// Bit i: field i is said by a valid header.
    pub const Said = std.meta.Int(.unsigned, field_count);

    /// The dump says every field; a header that says anything else contradicts it.
    fn settle(parsed: *ParsedSet, config: Config) void {
        const fields = fields_of(config);
        for (&parsed.faults[0..field_count].*, parsed.fields, fields, 0..) |*fault, said, meant, i| {
            if (parsed.said & bit(i) != 0 and said != meant) fault.* = error.Contradiction;
        }
        parsed.fields = fields;
        parsed.said = std.math.maxInt(Said);
    }
};

/// Judges each header that came, and whether they tell of one config.
pub fn parse_set(set: *const HeaderSet) ParsedSet {
    var parsed: ParsedSet = .{};
    for (0..field_count) |i| {
        const outcome = set.parse_at(@enumFromInt(i)) orelse continue;
        if (outcome) |one| {
            parsed.fields[i] = one.number;
            parsed.said |= bit(i);
        } else |err| parsed.faults[i] = err;
    }
    const outcome = set.parse_at(.config_dump) orelse return parsed;
    if (outcome) |one| parsed.settle(one.config) else |err| parsed.faults[field_count] = err;
    return parsed;
}

fn bit(field: usize) ParsedSet.Said {
    return @as(ParsedSet.Said, 1) << @intCast(field);
}

fn fields_of(config: Config) [field_count]u32 {
    return .{
        @intFromEnum(config.version),
        config.registry_hash,
        @bitCast(config.feature_flags),
        @intFromEnum(config.terminal_mode),
        config.rows,
        config.cols,
    };
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
    const bytes = try hex_bytes(4, value[2..10]);
    return std.mem.readInt(u32, &bytes, .big);
}

fn dump(value: []const u8) ParseError!Config {
    if (value.len != value_size_max) return error.BadFormat;
    const record: Record = @bitCast(try hex_bytes(record_module.record_size, value[0..value_size_max]));
    if (record.check()) |fault| return switch (fault) {
        .checksum => error.BadChecksum,
        .magic, .reserved => error.BadFormat,
    };
    if (@as(u32, @bitCast(record.config.faults())) != 0) return error.OutOfBounds;
    return record.config;
}

/// All digits at once; lower-case ones only.
fn hex_bytes(comptime size: usize, digits: *const [2 * size]u8) ParseError![size]u8 {
    const Digits = @Vector(2 * size, u8);
    const units: Digits = digits.*;
    const from_zero = units -% @as(Digits, @splat('0'));
    const from_a = units -% @as(Digits, @splat('a'));
    const is_number = from_zero < @as(Digits, @splat(10));
    const is_letter = from_a < @as(Digits, @splat(6));
    if (!@reduce(.And, is_number | is_letter)) return error.BadFormat;
    const values = @select(u8, is_number, from_zero, from_a +% @as(Digits, @splat(10)));
    const places = std.simd.iota(i32, size) * @as(@Vector(size, i32), @splat(2));
    const high = @shuffle(u8, values, undefined, places);
    const low = @shuffle(u8, values, undefined, places + @as(@Vector(size, i32), @splat(1)));
    return high << @splat(4) | low;
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
        var buffer: [value_size_max]u8 = undefined;
        for (fields_of(config), 0..) |field, i| {
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

fn set_of(config: Config) !HeaderSet {
    var set: HeaderSet = undefined;
    for (&set.text, &set.lengths, 0..) |*text, *length, i| {
        length.* = @intCast(try format(@enumFromInt(i), config, text));
    }
    return set;
}

test "a set says what its headers say, each by itself or the dump for all" {
    const config: Config = .{ .feature_flags = @bitCast(@as(u32, 0xbff)), .rows = 50 };
    const whole = try set_of(config);
    for (0..1 << header_count) |given| {
        var set = whole;
        for (&set.lengths, 0..) |*length, i| {
            if (given >> @intCast(i) & 1 == 0) length.* = HeaderSet.absent;
        }
        const parsed = parse_set(&set);
        const has_dump = given >> field_count & 1 == 1;
        const said: ParsedSet.Said = if (has_dump) std.math.maxInt(ParsedSet.Said) else @truncate(given);
        try std.testing.expectEqual(said, parsed.said);
        for (parsed.faults) |fault| try std.testing.expectEqual(null, fault);
        for (parsed.fields, fields_of(config), 0..) |found, field, i| {
            try std.testing.expectEqual(if (said & bit(i) == 0) 0 else field, found);
        }
    }
}

test "each fault of a set stands by its header" {
    var set = try set_of(.{});
    set.lengths[@intFromEnum(Header.registry_hash)] = 0;
    set.lengths[@intFromEnum(Header.terminal_mode)] = value_size_max + 1;
    set.text[@intFromEnum(Header.terminal_rows)][0] = '3';
    const faults = [header_count]?ParsedSet.Fault{
        null, error.BadFormat, null, error.BadFormat, error.Contradiction, null, null,
    };
    try std.testing.expectEqual(faults, parse_set(&set).faults);
    set.text[@intFromEnum(Header.config_dump)][9] ^= 1;
    const parsed = parse_set(&set);
    try std.testing.expectEqual(error.BadChecksum, parsed.faults[field_count].?);
    try std.testing.expectEqual(null, parsed.faults[@intFromEnum(Header.terminal_rows)]);
    try std.testing.expectEqual(34, parsed.fields[@intFromEnum(Header.terminal_rows)]);
}
