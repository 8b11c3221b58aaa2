// A page of a store's file that can't be read, and a way to come upon it.

internal import DamageLab
internal import SystemPackage

/// Ways to read a page that raises SIGBUS.
enum PageWay: String, CaseIterable, Sendable {
  // An open handle, one of whose mappings loses a page.
  case get, multiGet, scan, scanBackward, cursor, export, following, compaction, writing
  // A file that is cut off under an open handle.
  case cutGet, cutScan
  // Every mapping of the file comes with the page.
  case openReadOnly, openForWriting, recovery, verify
  // The same without the handler for signals: only what is read in bulk.
  case verifyUnhandled, openReadOnlyUnhandled, openForWritingUnhandled

  /// It goes on where a process was killed.
  var isOfKilledStore: Bool { self == .recovery }
  var handlesSignals: Bool { !rawValue.hasSuffix("Unhandled") }
}

/// One trial: a way, a file, a page.
struct PageCase: Sendable {
  let way: PageWay
  let file: String
  let page: Int

  var name: String { "\(way.rawValue)/\(file)/\(page)" }

  /// Every case for the files of two stores.
  static func all(closed: [SampleFile], killed: [SampleFile]) -> [PageCase] {
    PageWay.allCases.flatMap { (way) in
      (way.isOfKilledStore ? killed : closed).flatMap { (file) in
        (0..<(file.contents.count + 4095) / 4096).map {
          PageCase(way: way, file: file.name, page: $0)
        }
      }
    }
  }
}
