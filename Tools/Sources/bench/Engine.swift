// What can be measured.

/// A store, or something bare that stores are compared with.
enum Engine: String, Codable, CaseIterable, Offered {
  /// They come first: they are measured while the machine has seen no store yet.
  case floor, copies
  case fenceline, lmdb
  case rocksdb, leveldb, sqlite
  case tkrzwHash = "tkrzw-hash"
  case tkrzwTree = "tkrzw-tree"
  case pmemlog

  /// What Tools/bench runs; the others need packages that Tools/peers installs.
  static let own: [Engine] = [.floor, .copies, .fenceline, .lmdb]

  static var offered: [Self] { Programs.isPeers ? allCases : own }

  /// It runs the workloads of stores.
  var isStore: Bool { self != .floor && self != .copies }
}
