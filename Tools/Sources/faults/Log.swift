// What workers tell: a line before each case and one behind it, in a file of each worker's own, so that
// the case is known in which one trapped or hung.

internal import DamageLab
internal import SystemPackage

/// Lines of tabs and text.
struct Log {
  let path: FilePath

  /// Adds a line.
  func append(_ fields: [String]) throws {
    let clean = fields.map { $0.replacing("\t", with: " ").replacing("\n", with: " ") }
    let file = try FileDescriptor.open(
      path,
      .writeOnly,
      options: [.create, .append],
      permissions: .ownerReadWrite
    )
    try file.closeAfter {
      _ = try file.writeAll((clean.joined(separator: "\t") + "\n").utf8)
    }
  }

  /// All lines so far.
  func lines() throws -> [[String]] {
    let text = String(decoding: try Files.read(path) ?? [], as: UTF8.self)
    return text.split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
  }
}
