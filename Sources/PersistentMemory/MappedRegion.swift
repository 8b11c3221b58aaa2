// Owners of mapped memory. Whatever maps, unmaps in one place: the deinit here.

internal import CPlatform
internal import Glibc
internal import SystemPackage

#if PersistentMemory
internal import CPMem
#endif

/// A range of address space that is given back with its owner.
@safe
struct MappedRegion: ~Copyable {
  /// Who unmaps it.
  enum Owner {
    case memoryMap
    case persistentMemoryLibrary
    /// Someone else (a simulated medium) keeps the memory for as long as the region lives.
    case borrowed
  }

  let address: UnsafeMutableRawPointer
  let length: Int
  private let owner: Owner
  private let guardSlot: Int32

  /// Takes over a mapping.
  ///
  /// - Parameters:
  ///   - address: where the mapping starts.
  ///   - length: its bytes.
  ///   - owner: who unmaps it.
  ///   - isGuarded: registers it with the process-wide memory-error handler.
  init(
    taking address: UnsafeMutableRawPointer,
    length: Int,
    owner: Owner,
    isGuarded: Bool
  ) {
    unsafe self.address = address
    self.length = length
    self.owner = owner
    guardSlot = isGuarded && cp_guard_install() ? unsafe cp_guard_add(address, length) : -1
  }

  deinit {
    cp_guard_remove(guardSlot)
    switch owner {
    case .memoryMap:
      unsafe SystemCalls.unmap(address, length: length)
    case .persistentMemoryLibrary:
      #if PersistentMemory
      unsafe _ = pmem_unmap(address, length)
      #endif
    case .borrowed:
      break
    }
  }

  /// Whether memory errors inside the region are caught.
  var isGuarded: Bool { guardSlot >= 0 }

  /// Where the first page starts in which a memory error was caught and that has bytes of `range`.
  func firstFault(in range: Range<Int>) -> Int? {
    // C's "none" is the largest size, which is negative here.
    let offset = cp_guard_first_fault(guardSlot, range.lowerBound, range.upperBound)
    return offset < 0 ? nil : offset
  }
}

/// What libpmem does for us: mapping with MAP_SYNC where the file system offers it.
enum PersistentMemoryLibrary {
  /// Whether this build can map persistent memory at all.
  static var isAvailable: Bool {
    #if PersistentMemory
    true
    #else
    false
    #endif
  }

  /// Whether the environment forces libpmem to treat every mapping as persistent memory.
  static var isForced: Bool {
    isAvailable && SystemCalls.environment("PMEM_IS_PMEM_FORCE") == "1"
  }

  /// Whether the CPU caches belong to the persistence domain.
  ///
  /// Corresponds to `pmem_has_auto_flush`.
  static var cachesArePersistent: Bool {
    #if PersistentMemory
    pmem_has_auto_flush() == 1
    #else
    false
    #endif
  }

  /// Maps a whole existing file for writing.
  ///
  /// Corresponds to `pmem_map_file`; the file is named by its open descriptor, so nothing can be
  /// put in its place meanwhile.
  static func map(
    _ descriptor: borrowing OwnedDescriptor,
    length: Int,
    _ path: FilePath
  ) throws(MediumError) -> UnsafeMutableRawPointer {
    #if PersistentMemory
    var mappedLength = 0
    var isPersistent: Int32 = 0
    var mapped: UnsafeMutableRawPointer?
    repeat {
      unsafe mapped = pmem_map_file(
        "/proc/self/fd/\(descriptor.rawValue)",
        0,
        0,
        0,
        &mappedLength,
        &isPersistent
      )
    } while unsafe mapped == nil && errno == EINTR
    guard let address = unsafe mapped else {
      throw MediumError(operation: "pmem_map_file", path: path, cause: Errno(rawValue: errno))
    }
    guard isPersistent == 1, mappedLength == length else {
      unsafe _ = pmem_unmap(address, mappedLength)
      throw MediumError(operation: "pmem_map_file", path: path, cause: .notSupported)
    }
    guard cp_leaves_memory() else {
      unsafe _ = pmem_unmap(address, mappedLength)
      throw MediumError(operation: "pmem_map_file", path: path, cause: .noMemory)
    }
    return unsafe address
    #else
    throw MediumError(operation: "pmem_map_file", path: path, cause: .notSupported)
    #endif
  }

  /// Corresponds to `pmem_deep_persist`: beyond the persistence domain, to the medium itself.
  static func deepPersist(
    _ address: UnsafeMutableRawPointer,
    length: Int,
    _ path: FilePath
  ) throws(MediumError) {
    #if PersistentMemory
    guard unsafe pmem_deep_persist(address, length) == 0 else {
      throw MediumError(operation: "pmem_deep_persist", path: path, cause: Errno(rawValue: errno))
    }
    #endif
  }
}
