// The one place where the tests hold a pointer of the copy core.

import CFlush
import CFlushTestSupport
import Glibc
import Testing

/// A core by its parts, so that test cases can be listed and named.
struct CoreName: Sendable, CustomTestStringConvertible {
  var copy: String
  var flush: String
  var policy: Policy

  var testDescription: String { "\(copy)/\(flush)/\(policy)" }

  /// Every core that this CPU has, and the plain one.
  static let all: [CoreName] = {
    var names: [CoreName] = []
    for copy in ["avx512", "avx2", "sse2", "neon", "generic"] {
      for flush in ["clwb", "clflushopt", "clflush", "cvap", "cvac", "none"] {
        for policy in [Policy.strict, .trusting] {
          let name = CoreName(copy: copy, flush: flush, policy: policy)
          // A set that can't stream serves both policies with the strict core.
          if name.find() != nil, copy != "generic" || policy == .strict {
            names.append(name)
          }
        }
      }
    }
    return names + [CoreName(copy: "generic", flush: "none", policy: .plain)]
  }()

  /// One core per instruction set, for tests that have nothing to do with flushing.
  static let perCopy: [CoreName] = {
    var seen: Set<String> = []
    return all.filter { seen.insert("\($0.copy)/\($0.policy)").inserted }
  }()

  func find() -> Core? { Core.named(copy, flush, policy.value) }

  /// The core of that name, which exists.
  var core: Core {
    get throws { try #require(find()) }
  }
}

/// A core of the library.
///
/// Cores live as long as the process, so the pointer never dangles.
@safe struct Core: Equatable {
  let pointer: OpaquePointer

  init?(_ pointer: OpaquePointer?) {
    guard let pointer = unsafe pointer else { return nil }
    unsafe self.pointer = pointer
  }

  static func == (left: Core, right: Core) -> Bool { unsafe left.pointer == right.pointer }

  static func named(_ copy: String?, _ flush: String?, _ policy: fl_policy) -> Core? {
    unsafe Core(fl_core_named(copy, flush, policy))
  }

  static func selected(_ policy: fl_policy) -> Core? { unsafe Core(fl_core_select(policy)) }

  static var plain: Core? { unsafe Core(fl_core_plain()) }

  var copyName: String? { unsafe message(fl_core_copy_name(pointer)) }
  var flushName: String? { unsafe message(fl_core_flush_name(pointer)) }
  var policy: fl_policy { unsafe fl_core_policy(pointer) }
  var reachesPersistence: Bool { unsafe fl_core_reaches_persistence(pointer) }
}

enum Policy: CaseIterable, Sendable {
  case strict, trusting, plain

  var value: fl_policy {
    switch self {
    case .strict: FL_POLICY_STRICT
    case .trusting: FL_POLICY_TRUSTING
    case .plain: FL_POLICY_PLAIN
    }
  }
}

/// The message of a check that failed, nil for one that passed.
func message(_ text: UnsafePointer<CChar>?) -> String? {
  unsafe text.map { unsafe String(cString: $0) }
}

/// The checksum implementation in use.
var checksumName: String? { unsafe message(fl_crc32c_name()) }

/// Varies from run to run and is printed with a failure; `FENCELINE_TEST_SEED` repeats one.
let seed: UInt64 =
  unsafe getenv("FENCELINE_TEST_SEED").flatMap { unsafe UInt64(String(cString: $0)) }
  ?? UInt64.random(in: 0..<1 << 32)
