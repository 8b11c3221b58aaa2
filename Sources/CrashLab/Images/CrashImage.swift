// One state that a crash can leave: names, and the bytes behind them.

internal import JournalFormat

/// A state that a crash can leave, valid until the enumeration goes on.
struct CrashImage {
  /// One name, and the file behind it.
  struct File {
    let file: ImageFile
    let entry: SimulatedDirectory.Entry
    /// Of the name and the length.
    let nameFingerprint: UInt64

    init(_ name: String, _ file: ImageFile) {
      self.file = file
      entry = SimulatedDirectory.Entry(name: name, memory: file.memory)
      var fingerprint = UInt64(file.memory.length)
      for byte in name.utf8 { fingerprint = Mix.mix(fingerprint ^ UInt64(byte)) }
      nameFingerprint = fingerprint
    }
  }

  let files: [File]

  /// Equal images have equal fingerprints.
  var fingerprint: UInt64 {
    var sum: UInt64 = 0
    for file in files { sum &+= Mix.mix(file.nameFingerprint ^ file.file.fingerprint) }
    return sum
  }

  /// A directory over the image itself, which stays as it is: a file that is opened for writing is
  /// copied before.
  func directory(
    on hardware: CrashHardware,
    stale: StaleContents = StaleContents()
  ) -> SimulatedDirectory {
    SimulatedDirectory(
      hardware,
      entries: files.map(\.entry),
      stale: stale,
      sharesFiles: true
    )
  }

  /// The image as the beginning of another trace.
  var initialFiles: [Trace.InitialFile] {
    files.map { Trace.InitialFile(name: $0.entry.name, contents: $0.file.memory.contents) }
  }
}
