// Index images that no crash leaves, and changes behind them: with bytes that changed, with a file that is
// gone, and beside a journal that has lost its end.
// Whatever stands there, the store shows what the journal says.

internal import Fenceline
internal import JournalFormat

/// Damages an index image, the changes behind it, and the journal beside them.
package enum DamagedIndexImage {
  /// Opens a store with the bytes of its index image and of the changes changed, one at a time (of zeros
  /// some), without each of the files, and with the end of its journal cut off anywhere.
  ///
  /// - Returns: the first changes that show in what a store holds.
  /// - Throws: where the sound store can't be made.
  package static func violations() throws -> [String] {
    let workload = try imaged()
    let oracle = workload.oracle
    let files = workload.files
    let sound = try oracle.read(Self.image(of: files))
    let indexFiles = files.filter { Store.isIndexFile($0.name) }
    guard let newest = files.last(where: { SegmentName.id(of: $0.name) != nil }),
      indexFiles.count > 3
    else { throw Violation("no index image was written, or no changes") }
    var violations: [String] = []
    func check(_ name: String, _ file: String, _ expected: UInt64?, _ bytes: [UInt8]) {
      guard violations.count < 3 else { return }
      let memory = bytes.isEmpty ? nil : FileMemory(contents: bytes)
      let image = Self.image(of: files, with: memory, as: file)
      do throws(Violation) {
        let verdict = try oracle.read(image)
        if let expected, verdict.contents != expected { throw Violation("other contents") }
        _ = try oracle.write(image, verdict)
      } catch {
        violations.append("\(name): \(error)")
      }
    }
    for file in indexFiles {
      let contents = file.memory.contents
      check("without \(file.name)", file.name, sound.contents, [])
      for offset in contents.indices where contents[offset] != 0 || offset.isMultiple(of: 64) {
        var bytes = contents
        bytes[offset] ^= 0x55
        check("byte \(offset) of \(file.name)", file.name, sound.contents, bytes)
      }
    }
    let end = newest.memory.contents.lastIndex { $0 != 0 } ?? 0
    for offset in stride(from: SegmentField.journalStart, through: end, by: 8) {
      let bytes = newest.memory.contents.prefix(offset)
      let rest = Array(repeating: 0 as UInt8, count: newest.memory.length - offset)
      check("the journal without what comes behind \(offset)", newest.name, nil, bytes + rest)
    }
    return violations
  }

  /// A store with an index image, changes, and a few records behind them.
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
    try workload.writeChanges()
    try workload.delete(Array("key 5".utf8))
    try workload.put("key 6", "behind")
    try workload.writeChanges()
    try workload.delete(Array("key 4".utf8))
    try workload.put("key 7", "behind")
    try workload.sync()
    return workload
  }

  private static func image(
    of files: [SimulatedDirectory.Entry],
    with memory: FileMemory? = nil,
    as name: String? = nil
  ) -> CrashImage {
    CrashImage(
      files: files.compactMap { (file) in
        guard file.name == name else { return CrashImage.File(file.name, ImageFile(file.memory)) }
        return memory.map { CrashImage.File(file.name, ImageFile($0)) }
      }
    )
  }
}
