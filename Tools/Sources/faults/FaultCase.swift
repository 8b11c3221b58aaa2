// What fails: the function, which of its calls, with which error, once or from then on.

internal import FaultLayer
internal import Glibc
internal import SystemPackage

/// A function that fails, by the layer's number.
struct FaultFunction: Hashable, Sendable {
  let number: UInt32
  let name: String
  /// Errors that are tried; negative ones are `half` and `nothing`.
  let errors: [FaultError]

  init(_ function: fault_function, _ name: String, _ errors: [FaultError]) {
    (number, self.name, self.errors) = (function.rawValue, name, errors)
  }

  var raw: fault_function { fault_function(rawValue: number) }

  static let all: [FaultFunction] = [
    Self(FAULT_OPEN, "open", [.io, .processFiles, .noMemory, .noSpace, .interrupted]),
    Self(FAULT_MKDIR, "mkdir", [.io, .noSpace, .quota]),
    Self(FAULT_READ, "read", [.io, .interrupted, .half, .nothing]),
    Self(FAULT_WRITE, "write", [.io, .noSpace, .quota, .interrupted, .half, .nothing]),
    Self(FAULT_TRUNCATE, "ftruncate", [.io, .noSpace, .interrupted]),
    Self(FAULT_ALLOCATE, "posix_fallocate", [.noSpace, .quota, .io, .interrupted]),
    Self(FAULT_PUNCH_HOLE, "fallocate", [.io, .notSupported]),
    Self(FAULT_SYNC_FILE, "sync of a file", [.io, .noSpace, .quota, .interrupted]),
    Self(FAULT_SYNC_DIRECTORY, "sync of a directory", [.io, .noSpace, .interrupted]),
    Self(FAULT_RENAME, "rename", [.io, .noSpace, .quota]),
    Self(FAULT_LINK, "link", [.io]),
    Self(FAULT_UNLINK, "unlink", [.io, .noAccess]),
    Self(FAULT_LOCK, "flock", [.io, .interrupted]),
    Self(FAULT_STATUS, "stat", [.io, .noMemory]),
    Self(FAULT_FILE_SYSTEM, "fstatfs", [.io, .interrupted]),
    Self(FAULT_MAP, "mmap of a file", [.noMemory, .io]),
    Self(FAULT_MAP_MEMORY, "mmap of memory", [.noMemory]),
    Self(FAULT_OPEN_LISTING, "fdopendir", [.noMemory, .processFiles]),
    Self(FAULT_LIST, "readdir", [.io, .interrupted]),
    Self(FAULT_RANDOM, "getrandom", [.io, .interrupted, .half]),
    Self(FAULT_THREAD, "pthread_create", [.again]),
    Self(FAULT_PMEM_MAP, "pmem_map_file", [.noMemory, .io, .interrupted]),
    Self(FAULT_PMEM_PERSIST, "pmem_deep_persist", [.io]),
  ]
}

/// How a call fails.
enum FaultError: String, CaseIterable, Sendable {
  case io = "EIO"
  case noSpace = "ENOSPC"
  case quota = "EDQUOT"
  case interrupted = "EINTR"
  case processFiles = "EMFILE"
  case noMemory = "ENOMEM"
  case noAccess = "EACCES"
  case notSupported = "EOPNOTSUPP"
  case again = "EAGAIN"
  /// Half of the bytes.
  case half
  /// No byte, and no error.
  case nothing

  var number: Int32 {
    switch self {
    case .io: EIO
    case .noSpace: ENOSPC
    case .quota: EDQUOT
    case .interrupted: EINTR
    case .processFiles: EMFILE
    case .noMemory: ENOMEM
    case .noAccess: EACCES
    case .notSupported: EOPNOTSUPP
    case .again: EAGAIN
    case .half, .nothing: 0
    }
  }

  var kind: fault_kind {
    switch self {
    case .half: FAULT_HALF
    case .nothing: FAULT_ZERO
    default: FAULT_ERROR
    }
  }

  /// A program that is told so has nothing to report: it asks again, or for the rest.
  var isToBeRetried: Bool { self == .interrupted || self == .half }
}

/// One trial: a function, one of its calls, an error.
struct FaultCase: Sendable {
  let function: FaultFunction
  let call: UInt64
  let error: FaultError
  /// From that call on all of them fail.
  let lasts: Bool

  var name: String { "\(function.name)/\(call)/\(error.rawValue)/\(lasts ? "lasting" : "once")" }

  var plan: fault_plan {
    fault_plan(
      function: function.raw,
      number: call,
      kind: error.kind,
      error: error.number,
      lasts: lasts
    )
  }

  /// Every case for functions that are called as often as `calls` says.
  static func all(_ calls: [UInt64]) -> [FaultCase] {
    zip(FaultFunction.all, calls).flatMap { (function, count) in
      function.errors.flatMap { (error) in
        // What is asked for again would be so for ever.
        let lengths = error.isToBeRetried ? [false] : [false, true]
        return lengths.flatMap { (lasts) in
          (0..<count).map {
            FaultCase(function: function, call: $0 + 1, error: error, lasts: lasts)
          }
        }
      }
    }
  }
}

/// Where the store of a trial lies.
enum FaultMedium: String, CaseIterable, Sendable {
  /// An ordinary file system.
  case disk
  /// tmpfs.
  case memory
  /// tmpfs that libpmem is told to take for persistent memory.
  case forced

  var directory: FilePath { self == .disk ? "/var/tmp" : "/dev/shm" }
}
