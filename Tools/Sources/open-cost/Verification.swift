// How fast everything is read and verified, beside the floor in the same run: the same files' bytes, added up
// by as many threads, where they are mapped already and where they are mapped for it.

import Dispatch
import Fenceline
import FoundationEssentials
import Glibc
import SystemPackage

/// A closed store, read as a whole in three ways.
struct Verification {
  private let path: FilePath
  private let segments: [Data]

  init(of path: FilePath) throws {
    self.path = path
    segments = try Self.map(path)
  }

  private static func map(_ path: FilePath) throws -> [Data] {
    try FileManager.default.contentsOfDirectory(atPath: path.string)
      .filter { $0.hasSuffix(".segment") }.sorted()
      .map {
        try Data(contentsOf: URL(filePath: path.appending($0).string), options: .alwaysMapped)
      }
  }

  /// Reports the medians of rounds in which each way has its turn.
  func run(_ report: (String, Double) -> Void) throws {
    var (floors, mappedFloors): ([Double], [Double]) = ([], [])
    var (verifications, openings): ([Double], [Double]) = ([], [])
    for _ in 0..<5 {
      floors.append(seconds { addUp(segments) })
      mappedFloors.append(try seconds { addUp(try Self.map(path)) })
      verifications.append(
        try seconds {
          guard try Store.verify(at: path).isSound else { throw OpenCostError("damage in \(path)") }
        }
      )
      openings.append(try withoutImages { try seconds { _ = try Store.openReadOnly(at: path) } })
    }
    let byteCount = Double(segments.reduce(0) { $0 + $1.count })
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    report("journal-bytes", byteCount)
    report("floor-gbs", byteCount / median(floors) / 1e9)
    report("mapped-floor-gbs", byteCount / median(mappedFloors) / 1e9)
    report("verify-gbs", byteCount / median(verifications) / 1e9)
    report("verify-share", 100 * median(floors) / median(verifications))
    report("verify-mapped-share", 100 * median(mappedFloors) / median(verifications))
    report("whole-gbs", byteCount / median(openings) / 1e9)
    report("whole-share", 100 * median(floors) / median(openings))
  }

  private func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = Stamp.now()
    try body()
    return Double(Stamp.now() - start) / 1e9
  }

  /// Reads every byte, in lines, and adds them up so that nothing can be left out.
  private func addUp(_ segments: [Data]) {
    let pieces = segments.flatMap { (segment) in
      stride(from: 0, to: segment.count, by: Self.pieceLength).map { (segment, $0) }
    }
    DispatchQueue.concurrentPerform(iterations: pieces.count) { (number) in
      let (segment, start) = pieces[number]
      // SAFETY: the bytes are read during the call only, and any are valid numbers.
      let sum = unsafe segment.withUnsafeBytes { (bytes) -> UInt64 in
        let end = min(bytes.count, start + Self.pieceLength)
        let piece = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        var sums = SIMD8<UInt64>()
        let lines = unsafe piece.bindMemory(to: SIMD8<UInt64>.self).span
        for index in lines.indices { sums &+= lines[index] }
        return sums.wrappedSum()
      }
      // Nobody can tell beforehand that it is not.
      if sum == 0x5eed_5eed_5eed_5eed { print(sum) }
    }
  }

  private static let pieceLength = 1 << 20

  /// Runs `body` where the store has no index image, so that an opening reads everything.
  private func withoutImages<R>(_ body: () throws -> R) throws -> R {
    let files = FileManager.default
    let store = path.string
    let aside = store + ".images"
    try files.createDirectory(atPath: aside, withIntermediateDirectories: false)
    let names = try files.contentsOfDirectory(atPath: store).filter {
      $0.hasSuffix(".image") || $0.hasSuffix(".changes")
    }
    for name in names { try files.moveItem(atPath: "\(store)/\(name)", toPath: "\(aside)/\(name)") }
    defer {
      for name in names {
        try? files.moveItem(atPath: "\(aside)/\(name)", toPath: "\(store)/\(name)")
      }
      try? files.removeItem(atPath: aside)
    }
    return try body()
  }
}
