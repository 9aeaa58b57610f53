//! The file under a board: opened without following links, allocated whole, locked with the kernel's own lock
//! (given back when its holder dies), and told apart from another file that took its path. Linux only.
const std = @import("std");
const linux = std.os.linux;

/// Bytes written at once where the file system cannot allocate.
const block_size = 4096;
const lock_pause_us = 500;

pub const Error = error{
    NotFound,
    /// No regular file.
    Foreign,
    /// Owned by another user, or open to others.
    Permission,
    NoSpace,
    /// Another process held the file's lock all the time.
    Busy,
    Os,
};

pub fn open(path: [*:0]const u8, flags: linux.O) Error!i32 {
    const result = linux.openat(linux.AT.FDCWD, path, flags, 0o600);
    return switch (linux.errno(result)) {
        .SUCCESS => @intCast(result),
        .NOENT => error.NotFound,
        .ACCES, .PERM, .ROFS, .LOOP => error.Permission,
        .NOSPC, .DQUOT => error.NoSpace,
        else => error.Os,
    };
}

pub fn close(fd: i32) void {
    _ = linux.close(fd);
}

/// The space first, the size last and at once: a maker that is killed or finds the disk full leaves an
/// empty file, which the next takes for a new one.
pub fn allocate(fd: i32, size_bytes: u64) Error!void {
    const keep_size = 1;
    switch (linux.errno(linux.fallocate(fd, keep_size, 0, @intCast(size_bytes)))) {
        .SUCCESS => {},
        .NOSPC, .DQUOT, .FBIG => {
            _ = linux.ftruncate(fd, 0);
            return error.NoSpace;
        },
        // The file system cannot promise the space (it has no fallocate): write it instead.
        .OPNOTSUPP => return write_zeros(fd, size_bytes),
        else => return error.Os,
    }
    return switch (linux.errno(linux.ftruncate(fd, @intCast(size_bytes)))) {
        .SUCCESS => {},
        .NOSPC, .DQUOT, .FBIG => error.NoSpace,
        else => error.Os,
    };
}

fn write_zeros(fd: i32, size_bytes: u64) Error!void {
    const zeros = [_]u8{0} ** block_size;
    var written: u64 = 0;
    while (written < size_bytes) {
        const count: usize = @intCast(@min(zeros.len, size_bytes - written));
        const result = linux.pwrite(fd, &zeros, count, @intCast(written));
        switch (linux.errno(result)) {
            .SUCCESS => written += result,
            .INTR => {},
            .NOSPC, .DQUOT, .FBIG => {
                _ = linux.ftruncate(fd, 0);
                return error.NoSpace;
            },
            else => return error.Os,
        }
    }
}

pub fn lock(fd: i32, tries_max: u32) error{Busy}!void {
    const exclusive_without_waiting = 2 | 4;
    for (0..tries_max) |_| {
        if (linux.errno(linux.flock(fd, exclusive_without_waiting)) == .SUCCESS) return;
        const pause: linux.timespec = .{ .sec = 0, .nsec = lock_pause_us * std.time.ns_per_us };
        _ = linux.nanosleep(&pause, null);
    }
    return error.Busy;
}

pub fn unlock(fd: i32) void {
    const release = 8;
    _ = linux.flock(fd, release);
}

/// Whoever could write the file could turn features on for everybody who reads it.
pub fn check_owner(file: linux.Statx) Error!void {
    if (file.mode & linux.S.IFMT != linux.S.IFREG) return error.Foreign;
    if (file.uid != linux.geteuid() or file.mode & 0o077 != 0) return error.Permission;
}

pub fn stat(fd: i32) Error!linux.Statx {
    var file: linux.Statx = undefined;
    const result = linux.statx(fd, "", linux.AT.EMPTY_PATH, .BASIC_STATS, &file);
    if (linux.errno(result) != .SUCCESS) return error.Os;
    return file;
}

/// Whether `path` still names the open file.
pub fn is_at(fd: i32, path: [*:0]const u8) Error!bool {
    const ours = try stat(fd);
    if (ours.nlink == 0) return false;
    var theirs: linux.Statx = undefined;
    const result = linux.statx(linux.AT.FDCWD, path, linux.AT.SYMLINK_NOFOLLOW, .BASIC_STATS, &theirs);
    return switch (linux.errno(result)) {
        .SUCCESS => ours.ino == theirs.ino and ours.dev_major == theirs.dev_major and
            ours.dev_minor == theirs.dev_minor,
        .NOENT, .NOTDIR => false,
        else => error.Os,
    };
}

/// 128 random bits that the kernel chose when the machine started.
pub fn boot_id() Error![16]u8 {
    const result = linux.openat(
        linux.AT.FDCWD,
        "/proc/sys/kernel/random/boot_id",
        .{ .ACCMODE = .RDONLY, .CLOEXEC = true },
        0,
    );
    if (linux.errno(result) != .SUCCESS) return error.Os;
    const fd: i32 = @intCast(result);
    defer close(fd);
    var text: [36]u8 = undefined;
    const length = linux.read(fd, &text, text.len);
    if (linux.errno(length) != .SUCCESS or length != text.len) return error.Os;
    var digits: [32]u8 = undefined;
    _ = std.mem.replace(u8, &text, "-", "", digits[0..]);
    var id: [16]u8 = undefined;
    _ = std.fmt.hexToBytes(&id, &digits) catch return error.Os;
    return id;
}
