// The next segment, made by a thread of its own while the writer fills the active one: creating one
// means that the kernel zeroes all of it, which would stop the writer for tens of milliseconds. Where the
// medium is memory, that is in part for the page faults: another thread has the kernel make the pages, and
// the writer, who may be there already, meets a fault where that thread has not been.
//
// Nothing depends on it: it has its final name only when the writer gives it one, a crash leaves a
// name that the next opening removes, and where it failed the writer makes its own.

internal import PersistentMemory

/// A segment in the making.
final class SegmentPreparation: Sendable {
  private final class Slot: Sendable {
    let file = ForkSafeMutex<SegmentFile?>(nil)
  }

  /// The number that the segment will have.
  let segmentID: UInt32
  private let slot = Slot()
  private let worker: Worker?

  /// Starts to create a segment of the right size.
  init(
    _ segmentID: UInt32,
    sizing: SegmentSizing,
    in directory: any StoreDirectory
  ) {
    self.segmentID = segmentID
    let name = SegmentName.name(of: segmentID)
    let slot = slot
    // The thread keeps the directory, and so its lock, until it is done.
    let create: @Sendable () -> Void = {
      let file = try? sizing.create(name, roomFor: 0, preferring: 0, in: directory)
      slot.file.withLock { $0 = file }
      if let file { Self.prefault(file, sizing.options) }
    }
    worker = sizing.options.preparesInBackground ? Worker(create) : nil
    if worker == nil { create() }
  }

  /// Lets a thread have the pages of a new segment made, as long as anybody has the file.
  static func prefault(_ file: SegmentFile, _ options: SegmentOptions) {
    guard options.preparesInBackground else { return }
    _ = Worker { [weak file] in
      var start = 0
      while file?.prefaultWrites(from: &start) == true {}
    }
  }

  /// The segment, or nil where it could not be made; waits for it.
  func take() -> SegmentFile? {
    worker?.join()
    return slot.file.withLock { $0.take() }
  }

  /// Removes the segment; waits for it.
  func discard(in directory: any StoreDirectory) {
    guard take() != nil else { return }
    let name = SegmentName.name(of: segmentID)
    try? directory.removeSegment(named: name + FileSystemDirectory.unpublishedSuffix)
  }
}
