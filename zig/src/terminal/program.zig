//! What to run on a terminal, unpacked from one buffer and looked up in PATH before any process is
//! made: after that moment nothing may be searched, allocated or computed. Pointers go into the
//! caller's buffer; nothing is copied.

const std = @import("std");
const Error = @import("contract.zig").Error;

/// Most strings of one command: directory, arguments and environment together.
pub const strings_max = 2048;

/// Longest path of a program, with its terminator.
pub const path_size_max = 4096;

/// Searched when the given environment names no PATH.
const path_default = "/usr/local/bin:/usr/bin:/bin";

/// Whether a path can be executed, as each operating system answers it.
pub const Access = enum { executable, denied, missing };

pub const Program = struct {
    directory: ?[*:0]const u8,
    name: [:0]const u8,
    search: []const u8,
    argument_count: usize,
    /// Arguments, null, environment, null: execve reads both arrays in place.
    pointers: [strings_max + 2]?[*:0]const u8,

    /// Unpacks "directory NUL argument NUL ... NAME=value NUL ...": an empty directory means the
    /// present one, and all strings after `argument_count` arguments are the environment. Argument
    /// 0 is the program.
    pub fn parse(program: *Program, bytes: []const u8, argument_count: u16) Error!void {
        if (argument_count == 0 or bytes.len == 0) return error.BadCommand;
        if (bytes[bytes.len - 1] != 0) return error.BadCommand;
        var rest: []const u8 = bytes;
        const directory = next_string(&rest) orelse return error.BadCommand;
        program.directory = if (directory.len == 0) null else directory.ptr;
        program.argument_count = argument_count;
        program.search = path_default;
        var count: usize = 0;
        while (next_string(&rest)) |string| : (count += 1) {
            if (count == strings_max) return error.TooLarge;
            if (count == 0) program.name = string;
            const is_environment = count >= argument_count;
            program.pointers[count + @intFromBool(is_environment)] = string.ptr;
            const is_search = is_environment and std.mem.startsWith(u8, string, "PATH=");
            if (is_search) program.search = string["PATH=".len..];
        }
        if (count < argument_count or program.name.len == 0) return error.BadCommand;
        program.pointers[argument_count] = null;
        program.pointers[count + 1] = null;
    }

    pub fn arguments(program: *const Program) [*:null]const ?[*:0]const u8 {
        return @ptrCast(&program.pointers);
    }

    pub fn environment(program: *const Program) [*:null]const ?[*:0]const u8 {
        return @ptrCast(program.pointers[program.argument_count + 1 ..]);
    }

    /// The path to execute. A name with a slash is taken as it stands, so a relative one starts at
    /// `directory`; empty and relative entries of PATH are passed over, because they would mean
    /// another place after the change.
    pub fn resolve(
        program: *const Program,
        buffer: *[path_size_max]u8,
        comptime access: fn (path: [*:0]const u8) Access,
    ) Error![*:0]const u8 {
        if (std.mem.indexOfScalar(u8, program.name, '/') != null) return program.name.ptr;
        var denied = false;
        var folders = std.mem.splitScalar(u8, program.search, ':');
        while (folders.next()) |folder| {
            if (folder.len == 0 or folder[0] != '/') continue;
            const path = std.fmt.bufPrintZ(buffer, "{s}/{s}", .{ folder, program.name }) catch
                return error.TooLarge;
            switch (access(path.ptr)) {
                .executable => return path.ptr,
                .denied => denied = true,
                .missing => {},
            }
        }
        return if (denied) error.Permission else error.NotFound;
    }
};

fn next_string(rest: *[]const u8) ?[:0]const u8 {
    const end = std.mem.indexOfScalar(u8, rest.*, 0) orelse return null;
    defer rest.* = rest.*[end + 1 ..];
    return rest.*[0..end :0];
}

const testing = std.testing;

fn only_in_opt(path: [*:0]const u8) Access {
    const name = std.mem.span(path);
    if (std.mem.startsWith(u8, name, "/denied/")) return .denied;
    return if (std.mem.eql(u8, name, "/opt/tool")) .executable else .missing;
}

test "a packed command: directory, arguments, environment" {
    var program: Program = undefined;
    try program.parse("/tmp\x00tool\x00-v\x00\x00PATH=/bin:/opt\x00A=1\x00", 3);
    try testing.expectEqualStrings("/tmp", std.mem.span(program.directory.?));
    const arguments = std.mem.span(program.arguments());
    try testing.expectEqual(3, arguments.len);
    try testing.expectEqualStrings("-v", std.mem.span(arguments[1].?));
    try testing.expectEqualStrings("", std.mem.span(arguments[2].?));
    const environment = std.mem.span(program.environment());
    try testing.expectEqual(2, environment.len);
    try testing.expectEqualStrings("A=1", std.mem.span(environment[1].?));
    var buffer: [path_size_max]u8 = undefined;
    const path = try program.resolve(&buffer, only_in_opt);
    try testing.expectEqualStrings("/opt/tool", std.mem.span(path));
}

test "a malformed command is refused" {
    var program: Program = undefined;
    const malformed = [_][]const u8{
        "",         "\x00",
        "\x00tool", "tool\x00",
        "\x00\x00", "\x00\x00arg\x00",
    };
    for (malformed) |bytes| try testing.expectError(error.BadCommand, program.parse(bytes, 1));
    try testing.expectError(error.BadCommand, program.parse("\x00tool\x00", 0));
    try testing.expectError(error.BadCommand, program.parse("\x00tool\x00", 2));
    try testing.expectError(error.BadCommand, program.parse("\x00tool\x00", std.math.maxInt(u16)));
}

test "the limits of a command are exact" {
    var program: Program = undefined;
    const bytes = "\x00" ++ "a\x00" ** (strings_max + 1);
    try program.parse(bytes[0 .. bytes.len - 2], 1);
    try program.parse(bytes[0 .. bytes.len - 2], strings_max);
    try testing.expectEqual(strings_max, std.mem.span(program.arguments()).len);
    try testing.expectEqual(0, std.mem.span(program.environment()).len);
    try testing.expectError(error.TooLarge, program.parse(bytes, 1));
}

test "looking up: slash, denied, missing, too long" {
    var program: Program = undefined;
    var buffer: [path_size_max]u8 = undefined;
    try program.parse("\x00./tool\x00", 1);
    const path = try program.resolve(&buffer, only_in_opt);
    try testing.expectEqualStrings("./tool", std.mem.span(path));
    try program.parse("\x00tool\x00PATH=/denied:/bin\x00", 1);
    try testing.expectError(error.Permission, program.resolve(&buffer, only_in_opt));
    try program.parse("\x00tool\x00PATH=:opt:./opt\x00", 1);
    try testing.expectError(error.NotFound, program.resolve(&buffer, only_in_opt));
    try program.parse("\x00" ++ "t" ** path_size_max ++ "\x00", 1);
    try testing.expectError(error.TooLarge, program.resolve(&buffer, only_in_opt));
}

test "random bytes never trap" {
    var random: std.Random.DefaultPrng = .init(42);
    var bytes: [64]u8 = undefined;
    var program: Program = undefined;
    for (0..20_000) |_| {
        const part = bytes[0..random.random().uintLessThan(usize, bytes.len)];
        for (part) |*byte| byte.* = if (random.random().boolean()) 0 else random.random().int(u8);
        const count = random.random().uintLessThan(u16, 8);
        program.parse(part, count) catch |failure| {
            try testing.expectEqual(error.BadCommand, failure);
        };
    }
}
