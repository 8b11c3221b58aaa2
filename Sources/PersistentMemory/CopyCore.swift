// The Swift face of the C copy core: one value that names the instruction set, the flush instruction
// and the policy. Destinations stay inside this module (see SegmentFile).

// Public for the sake of Checksum: it stands in every get and put, and only what is public is inlined
// across modules.
public import CFlush

/// A way to copy, flush and fence, chosen once.
@safe
package struct CopyCore: @unchecked Sendable {
  // SAFETY: the C core is immutable once made and usable from any thread.
  let handle: OpaquePointer

  /// Wraps a core that lives at least as long as every use of this value.
  package init(handle: OpaquePointer) {
    unsafe self.handle = handle
  }

  /// The core for persistent memory on this CPU, or nil where the environment forces one that does
  /// not exist here.
  package static func forPersistentMemory() -> CopyCore? {
    guard let core = unsafe fl_core_select(FL_POLICY_AUTO) else { return nil }
    return unsafe CopyCore(handle: core)
  }

  /// Plain stores: for DRAM, tmpfs and persistence domains that include the caches.
  package static func plain() -> CopyCore {
    unsafe CopyCore(handle: fl_core_plain())
  }

  package var reachesPersistence: Bool { unsafe fl_core_reaches_persistence(handle) }
  package var instructionSetName: String { unsafe String(cString: fl_core_copy_name(handle)) }
  package var flushName: String { unsafe String(cString: fl_core_flush_name(handle)) }
  package var policyName: String {
    switch unsafe fl_core_policy(handle) {
    case FL_POLICY_STRICT: "strict"
    case FL_POLICY_TRUSTING: "trusting"
    case FL_POLICY_PLAIN: "plain"
    default: "unknown"
    }
  }
}

/// Checksums and hashes of the copy core over spans.
public enum Checksum {
  /// CRC32C of `bytes`, continued from `crc` (0 to start).
  ///
  /// - Complexity: O(n); about 3 ns for 16 bytes.
  @inlinable @inline(__always)
  public static func crc32c(_ bytes: RawSpan, continuing crc: UInt32 = 0) -> UInt32 {
    // SAFETY: C reads exactly the span's bytes during the call.
    unsafe bytes.withUnsafeBytes { unsafe fl_crc32c(crc, $0.baseAddress, $0.count) }
  }

  /// The implementation that this CPU uses.
  public static var implementationName: String { unsafe String(cString: fl_crc32c_name()) }

  /// A seeded hash for tables in memory.
  @inlinable @inline(__always)
  public static func hash64(_ bytes: RawSpan, seed: UInt64) -> UInt64 {
    // SAFETY: C reads exactly the span's bytes during the call.
    unsafe bytes.withUnsafeBytes { unsafe fl_hash64_key($0.baseAddress, $0.count, seed) }
  }
}
