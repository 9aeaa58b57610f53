//! The list of files whose tests run. The tests themselves stand beside what they test.
test {
    _ = @import("immutable/config.zig");
    _ = @import("immutable/record.zig");
    _ = @import("immutable/crc64.zig");
    _ = @import("immutable/history.zig");
    _ = @import("features/flags.zig");
    _ = @import("features/rollout.zig");
    _ = @import("features/columns.zig");
    _ = @import("shared/cell.zig");
    _ = @import("shared/slot.zig");
    _ = @import("shared/board.zig");
    _ = @import("terminal/pty.zig");
    _ = @import("wire/frame.zig");
    _ = @import("wire/headers.zig");
    _ = @import("bench.zig");
    _ = @import("abi.zig");
}
