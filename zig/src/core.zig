//! The core as a Zig module, for tests and programs that import it by name. Only names what the border
//! (`api_core.zig`) builds on; it exports no symbol and holds no code of its own.
pub const config = @import("immutable/config.zig");
pub const record = @import("immutable/record.zig");
pub const crc64 = @import("immutable/crc64.zig");
pub const flags = @import("features/flags.zig");
pub const rollout = @import("features/rollout.zig");
pub const cell = @import("shared/cell.zig");
pub const slot = @import("shared/slot.zig");
pub const frame = @import("wire/frame.zig");
pub const headers = @import("wire/headers.zig");
