// Memory for much data that is used soon: zero, and in huge pages where the system has them.

internal import CPlatform
internal import Glibc

/// Zero pages that go with their owner.
@safe
final class LargeMemory: @unchecked Sendable {
  // SAFETY: the address is immutable; who writes where is up to the users.
  let address: UnsafeMutableRawPointer
  private let length: Int

  /// Nil where there is none.
  init?(length: Int) {
    guard let address = unsafe Self.map(max(1, length)) else { return nil }
    unsafe self.address = address
    self.length = max(1, length)
  }

  deinit { unsafe _ = munmap(address, length) }

  static let hugePageSize = 2 << 20

  /// Maps zero pages, which `munmap` gives back; nil where there are none, or nothing is left beside them.
  static func map(_ length: Int) -> UnsafeMutableRawPointer? {
    let address = unsafe mmap(
      nil,
      length,
      PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
      -1,
      0
    )
    guard let address = unsafe address, unsafe address != MAP_FAILED else { return nil }
    guard cp_leaves_memory() else {
      unsafe _ = munmap(address, length)
      return nil
    }
    if length >= hugePageSize { unsafe _ = madvise(address, length, 14 /* HUGEPAGE */) }
    return unsafe address
  }
}
