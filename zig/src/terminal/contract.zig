//! What every operating system's pseudo-terminal file must speak: errors, sizes, modes, signals and
//! how a program ended. Kept apart so that pty.zig and the files it chooses between need not import
//! each other. No system call is made here.

const std = @import("std");

/// Everything an operation can answer. The border maps each name to one result code.
pub const Error = error{
    /// This operating system (or its kernel, below Linux 5.9) has no pseudo-terminals we can use.
    Unsupported,
    /// The handle was never given out, or its terminal is closed.
    BadHandle,
    /// Zero rows or columns, an unknown mode, an unknown signal.
    BadArgument,
    /// The packed command is malformed: not NUL-terminated, or holds fewer strings than it says.
    BadCommand,
    /// The command has more strings, or a longer path, than the fixed limits.
    TooLarge,
    /// All 64 terminals are in use.
    TableFull,
    /// A program was started on this terminal before, or the one to be closed could not be ended
    /// yet.
    Busy,
    /// No program was started on this terminal, so there is nothing to signal.
    NoProgram,
    /// The program, or the interpreter its first line names, does not exist.
    NotFound,
    /// The program may not be executed, or the directory may not be entered.
    Permission,
    /// The directory to start in does not exist.
    NoDirectory,
    /// The system gives no pseudo-terminal: /dev/ptmx is missing, closed to us, or used up.
    NoPty,
    /// Nothing to read, or no room to write, at this moment.
    WouldBlock,
    /// Every program on the terminal is gone, and all they wrote has been read.
    End,
    /// The system refused for another reason: see the error number.
    Os,
};

/// The terminal's size in character cells. Neither may be 0.
pub const Size = extern struct {
    rows: u16,
    cols: u16,

    comptime {
        std.debug.assert(@sizeOf(Size) == 4);
        std.debug.assert(@alignOf(Size) == 2);
        std.debug.assert(@offsetOf(Size, "rows") == 0);
        std.debug.assert(@offsetOf(Size, "cols") == 2);
    }
};

/// Numbered as the config's terminalMode; 0 (disabled) and 3 (pipe) are no modes of a terminal.
pub const Mode = enum(u8) { cooked = 1, raw = 2 };

/// The signals a caller may send. The numbers are the same on Linux and Darwin.
pub const Signal = enum(u8) { hangup = 1, interrupt = 2, kill = 9, terminate = 15 };

/// Where the program on a terminal is in its life.
pub const State = enum(u8) {
    none = 0,
    running = 1,
    exited = 2,
    killed = 3,
    /// It ended, but other code of this process collected its exit code before us.
    unknown = 4,
};

/// How a program ended: its exit code, or the number of the signal that killed it.
pub const Exit = struct { state: State, number: u8 };
