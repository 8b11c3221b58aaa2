// A page of a store's file that can't be read, and a way to come upon it.

internal import DamageLab
internal import Fenceline
internal import SystemPackage

/// Ways to read a page that raises SIGBUS.
enum PageWay: String, CaseIterable, Sendable {
  // An open handle, one of whose mappings loses a page.
  case get, multiGet, scan, scanBackward, cursor, export, following, compaction, writing
  // A file that is cut off under an open handle.
  case cutGet, cutScan
  // Every mapping of the file comes with the page.
  case openReadOnly, openForWriting, recovery, verify
  // The same without the handler for signals: only what is read in bulk. Without index files too: beside
  // an image an opening compares keys in place, and the process gets the signal then, as it asked for.
  case verifyUnhandled, openReadOnlyUnhandled, openForWritingUnhandled

  /// It goes on where a process was killed.
  var isOfKilledStore: Bool { self == .recovery }
  /// Whether a file of the store is there.
  func needs(_ name: String) -> Bool { handlesSignals || !Store.isIndexFile(name) }
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
      (way.isOfKilledStore ? killed : closed).filter { way.needs($0.name) }.flatMap { (file) in
        (0..<(file.contents.count + 4095) / 4096).map {
          PageCase(way: way, file: file.name, page: $0)
        }
      }
    }
  }
}
