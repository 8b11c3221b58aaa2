// A file on a simulated disk: its memory is the page cache, which every reader sees; what of it is on
// the disk is for the replay of the trace to say.

internal import PersistentMemory
internal import SystemPackage

/// The way to the disk of one open file.
final class SimulatedFile: SegmentDevice {
  private let entry: SimulatedDirectory.Entry
  private let recorder: TraceRecorder?
  private let takeFault: @Sendable () -> Bool

  /// - Parameters:
  ///   - entry: the file.
  ///   - recorder: gets every write and synchronisation.
  ///   - takeFault: asked at each synchronisation whether it fails.
  init(
    _ entry: SimulatedDirectory.Entry,
    recorder: TraceRecorder?,
    takeFault: @escaping @Sendable () -> Bool
  ) {
    self.entry = entry
    self.recorder = recorder
    self.takeFault = takeFault
  }

  /// Corresponds to `pwrite`.
  func write(_ bytes: RawSpan, at offset: Int) throws(MediumError) {
    let isThere = entry.memory.holds(bytes, at: offset)
    entry.memory.overwrite(bytes, at: offset)
    recorder?.appendWrite(
      file: entry.number,
      offset: offset,
      bytes: bytes,
      kind: isThere ? .rewritten : .cached
    )
  }

  /// Corresponds to `fdatasync`.
  func synchronizeData() throws(MediumError) {
    let fails = takeFault()
    recorder?.append(.synchronizeFile(file: entry.number, succeeded: !fails))
    if fails {
      throw MediumError(operation: "fdatasync", path: entry.path, cause: .ioError)
    }
  }
}
