// Unpredictable words from the kernel: names of stores, and the seed of a table that an outsider's
// keys must not be able to overload.

internal import CPlatform
internal import SystemPackage

enum Random {
  /// The corresponding C function is `getrandom`.
  static func word() throws(StoreError) -> UInt64 {
    var word: UInt64 = 0
    // SAFETY: the buffer is the word's own memory.
    let isFilled = unsafe withUnsafeMutableBytes(of: &word) {
      unsafe cp_random($0.baseAddress, $0.count)
    }
    guard isFilled else {
      throw .system(operation: "getrandom", path: "/dev/urandom", cause: .ioError)
    }
    return word
  }
}
