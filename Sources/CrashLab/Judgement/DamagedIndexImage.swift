// Index images that no crash leaves: with bytes that changed, and beside a journal that has lost its end.
// Whatever stands there, the store shows what the journal says.

internal import Fenceline
internal import JournalFormat

/// Damages an index image, and the journal beside it.
package enum DamagedIndexImage {
  /// Opens a store with the bytes of its index image changed, one at a time (of zeros some), and with the
  /// end of its journal cut off anywhere.
  ///
  /// - Returns: the first changes that show in what a store holds.
  /// - Throws: where the sound store can't be made.
  package static func violations() throws -> [String] {
    let workload = try imaged()
    let oracle = workload.oracle
    let files = workload.files
    let sound = try oracle.read(Self.image(of: files))
    guard let newest = files.last(where: { SegmentName.id(of: $0.name) != nil }),
      let indexImage = files.first(where: { $0.name == Store.indexImageName })
    else { throw Violation("no index image was written") }
    var violations: [String] = []
    func check(_ name: String, _ file: String, _ expected: UInt64?, _ bytes: [UInt8]) {
      guard violations.count < 3 else { return }
      let memory = FileMemory(contents: bytes)
      let image = Self.image(of: files, with: memory, as: file)
      do throws(Violation) {
        let verdict = try oracle.read(image)
        if let expected, verdict.contents != expected { throw Violation("other contents") }
        _ = try oracle.write(image, verdict)
      } catch {
        violations.append("\(name): \(error)")
      }
    }
    let contents = indexImage.memory.contents
    for offset in contents.indices where contents[offset] != 0 || offset.isMultiple(of: 64) {
      var bytes = contents
      bytes[offset] ^= 0x55
      check("byte \(offset) of the index image", indexImage.name, sound.contents, bytes)
    }
    let end = newest.memory.contents.lastIndex { $0 != 0 } ?? 0
    for offset in stride(from: SegmentField.journalStart, through: end, by: 8) {
      let bytes = newest.memory.contents.prefix(offset)
      let rest = Array(repeating: 0 as UInt8, count: newest.memory.length - offset)
      check("the journal without what comes behind \(offset)", newest.name, nil, bytes + rest)
    }
    return violations
  }

  /// A store with an index image, and a few records behind it.
  private static func imaged() throws -> Workload {
    let workload = Workload("imaged", WorkloadSetup(.streamsStayInCache))
    try workload.open()
    for number in 0..<12 { try workload.put("key \(number % 9)", "value \(number)") }
    try workload.delete(Array("key 3".utf8))
    try workload.sync()
    try workload.writeImage {
      try workload.put("key 1", "meanwhile")
      try workload.delete(Array("key 2".utf8))
    }
    try workload.put("key 4", "behind")
    try workload.delete(Array("key 5".utf8))
    try workload.sync()
    return workload
  }

  private static func image(
    of files: [SimulatedDirectory.Entry],
    with memory: FileMemory? = nil,
    as name: String = ""
  ) -> CrashImage {
    CrashImage(
      files: files.map {
        CrashImage.File($0.name, ImageFile($0.name == name ? memory ?? $0.memory : $0.memory))
      }
    )
  }
}
