// Numbers that several processes share: what one of them has stored is there for the others, however it
// ended.

internal import Glibc
internal import Synchronization
package import SystemPackage

/// A row of numbers in a file that is mapped by everybody who opens it.
@safe
package final class SharedNumbers: @unchecked Sendable {
  // SAFETY: the mapping lives as long as this object, and every number in it is an atomic.
  private let numbers: UnsafeMutablePointer<Atomic<Int>>
  package let count: Int

  /// Makes a row of zeros in a file, new or not.
  package convenience init(creating path: FilePath, count: Int) throws {
    let file = try FileDescriptor.open(
      path,
      .readWrite,
      options: [.create, .truncate],
      permissions: .ownerReadWrite
    )
    try file.closeAfter { try file.resize(to: Int64(count * MemoryLayout<Int>.size)) }
    try self.init(at: path, count: count)
  }

  /// Maps a row that is there.
  package init(at path: FilePath, count: Int) throws {
    self.count = count
    let length = count * MemoryLayout<Int>.size
    let file = try FileDescriptor.open(path, .readWrite)
    let address = unsafe try file.closeAfter {
      unsafe mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, file.rawValue, 0)
    }
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw Errno(rawValue: errno)
    }
    unsafe numbers = address.bindMemory(to: Atomic<Int>.self, capacity: count)
  }

  deinit { unsafe _ = munmap(numbers, count * MemoryLayout<Int>.size) }

  /// Each number by itself; whoever sees one sees what its process stored before.
  package subscript(index: Int) -> Int {
    get {
      precondition((0..<count).contains(index))
      return unsafe numbers[index].load(ordering: .acquiring)
    }
    set {
      precondition((0..<count).contains(index))
      unsafe numbers[index].store(newValue, ordering: .releasing)
    }
  }
}
