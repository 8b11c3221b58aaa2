// How many bytes of index images, and of changes behind them, are written, seen from outside: a process that looks at the store's
// directory while another one works with it.

import FoundationEssentials
import Glibc
import SystemPackage

/// Adds up the files named `*.image` and `*.changes` that come and go in a directory.
///
/// A file counts once, with the largest size in which it was seen. An image that is replaced between
/// two looks is missed, so the sum is a lower bound; the looks are milliseconds apart, and an image of
/// a size that matters takes longer.
struct ImageWatch {
  private struct Identity: Hashable {
    var inode: UInt64
    /// Changes where a file of the same inode begins anew.
    var generation: Int
  }

  private struct Sight {
    var generation = 0
    var size = 0
    var modified = timespec()
  }

  private let directory: FilePath
  private var sights: [UInt64: Sight] = [:]
  private var sizes: [Identity: Int] = [:]

  init(_ directory: FilePath) { self.directory = directory }

  /// Images seen.
  var count: Int { sizes.count }
  /// Their bytes.
  var byteCount: Int { sizes.values.reduce(0, +) }

  mutating func look() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
    for name in names where name.hasSuffix(".image") || name.hasSuffix(".changes") {
      var status = stat()
      // SAFETY: the pointer is used during the call only.
      guard unsafe stat(directory.appending(name).string, &status) == 0 else { continue }
      // The end of an image may be a hole: it was made for the most pages that it could need.
      let size = min(Int(status.st_size), Int(status.st_blocks) * 512)
      let inode = UInt64(status.st_ino)
      var sight = sights[inode] ?? Sight()
      // One that was written to and has not grown was begun anew, or its inode was used again.
      let isTouched =
        sight.modified.tv_sec != status.st_mtim.tv_sec
        || sight.modified.tv_nsec != status.st_mtim.tv_nsec
      if isTouched, size <= sight.size, sight.size > 0 { sight.generation += 1 }
      (sight.size, sight.modified) = (size, status.st_mtim)
      sights[inode] = sight
      sizes[Identity(inode: inode, generation: sight.generation), default: 0] = size
    }
  }
}
