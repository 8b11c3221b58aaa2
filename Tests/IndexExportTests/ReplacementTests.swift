// An index takes the old one's place whole or not at all, and nothing else's.

import Fenceline
import Foundation
import SystemPackage
import Testing

@testable import IndexExport

@Suite("Replacing an index")
struct ReplacementTests {
  /// A scratch directory with a store and an index of it, and the store, which has grown since.
  private func grownStore() throws -> (Scratch, Store) {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    try store.put("a", "1")
    try IndexExport.write(store, to: scratch.index)
    try store.put("b", "2")
    return (scratch, store)
  }

  @Test("a new index replaces an old one and leaves nothing beside it")
  func replaces() throws {
    let (scratch, store) = try grownStore()
    #expect(try IndexExport.write(store, to: scratch.index) == 2)
    #expect(try query(scratch.index, "SELECT count(*) FROM entries") == [["2"]])
    #expect(try scratch.names == ["index.sqlite"])
  }

  @Test("a reader of the old index keeps it to the end")
  func oldReader() throws {
    let (scratch, store) = try grownStore()
    let before = try scratch.bytes(of: scratch.index)
    let old = try #require(FileHandle(forReadingAtPath: scratch.index.string))
    try IndexExport.write(store, to: scratch.index)
    let after = try Array(#require(try old.readToEnd()))
    let isSame = after == before
    #expect(isSame)
  }

  @Test("an empty file is replaced and keeps its permissions")
  func emptyFile() throws {
    let (scratch, store) = try grownStore()
    let path = scratch.path.appending("empty")
    try scratch.write([], to: path)
    try FileManager.default.setAttributes([.posixPermissions: 0o646], ofItemAtPath: path.string)
    #expect(try IndexExport.write(store, to: path) == 2)
    func permissions(_ path: FilePath) throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: path.string)[.posixPermissions] as? Int
    }
    #expect(try permissions(path) == 0o646)
    #expect(try permissions(scratch.index) == 0o600)
  }

  @Test("a link is followed and stays a link")
  func link() throws {
    let (scratch, store) = try grownStore()
    let link = scratch.path.appending("link")
    try FileManager.default.createSymbolicLink(
      atPath: link.string,
      withDestinationPath: "index.sqlite"
    )
    try IndexExport.write(store, to: link)
    #expect(try query(scratch.index, "SELECT count(*) FROM entries") == [["2"]])
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: link.string) == "index.sqlite"
    )
  }

  @Test("names that mean something else to SQLite are names", arguments: ["file:x?y", ":memory:"])
  func names(name: String) async throws {
    try await #require(
      processExitsWith: .success
    ) { [name] in
      let scratch = try Scratch()
      try #require(FileManager.default.changeCurrentDirectoryPath(scratch.path.string))
      let store = try scratch.openStore()
      try store.put("a", "1")
      try #require(try IndexExport.write(store, to: FilePath(name)) == 1)
      try #require(try scratch.names == [name])
      let index = scratch.path.appending(name)
      try #require(try query(index, "SELECT key_text FROM entries") == [["a"]])
    }
  }

  // MARK: Refusals

  @Test(
    "a file that is no index of ours is not overwritten",
    arguments: ["text", "a database of another application", "a short header"]
  )
  func foreignFile(kind: String) throws {
    let (scratch, store) = try grownStore()
    let path = scratch.path.appending("foreign")
    switch kind {
    case "text": try scratch.write(Array(repeating: 0x61, count: 5000), to: path)
    case "a short header":
      try scratch.write(Array(scratch.bytes(of: scratch.index).prefix(71)), to: path)
    default: try run("sqlite3", [path.string, "CREATE TABLE t (x); PRAGMA application_id = 7"])
    }
    let before = try scratch.bytes(of: path)
    let isRefused = #expect(throws: IndexExportError.notAnIndex(path)) {
      try IndexExport.write(store, to: path)
    }
    #expect(isRefused != nil)
    #expect(try scratch.bytes(of: path) == before)
    #expect(try scratch.names == ["foreign", "index.sqlite"])
  }

  @Test("a directory, a pipe and a directory that is not there are refused")
  func noFile() throws {
    let (scratch, store) = try grownStore()
    let directory = scratch.path.appending("directory")
    try FileManager.default.createDirectory(
      atPath: directory.string,
      withIntermediateDirectories: false
    )
    #expect(
      throws: IndexExportError.system(operation: "open", path: directory, cause: .isDirectory)
    ) { try IndexExport.write(store, to: directory) }
    let pipe = scratch.path.appending("pipe")
    try run("mkfifo", [pipe.string])
    #expect(throws: IndexExportError.notAnIndex(pipe)) { try IndexExport.write(store, to: pipe) }
    let missing = scratch.path.appending("missing").appending("index")
    #expect(
      throws: IndexExportError.system(
        operation: "open",
        path: missing,
        cause: .noSuchFileOrDirectory
      )
    ) { try IndexExport.write(store, to: missing) }
    #expect(try scratch.names == ["directory", "index.sqlite", "pipe"])
  }

  // SQLite takes any file of this name for the database's own and rolls it into it: an index that
  // took the place of one that a program was writing to came out damaged.
  @Test("an index that a program writes to is not replaced", arguments: ["journal", "wal"])
  func inUse(mode: String) throws {
    let (scratch, store) = try grownStore()
    let before = try scratch.bytes(of: scratch.index)
    let journal = scratch.path.appending("index.sqlite-\(mode)")
    try scratch.write([1], to: journal)
    #expect(throws: IndexExportError.inUse(journal: journal)) {
      try IndexExport.write(store, to: scratch.index)
    }
    #expect(try scratch.bytes(of: scratch.index) == before)
  }

  // MARK: Failures

  @Test("a store that can't be read leaves the old index")
  func closedStore() throws {
    let (scratch, store) = try grownStore()
    let before = try scratch.bytes(of: scratch.index)
    try store.close()
    #expect(throws: IndexExportError.store(.closed)) {
      try IndexExport.write(store, to: scratch.index)
    }
    #expect(try scratch.bytes(of: scratch.index) == before)
    #expect(try scratch.names == ["index.sqlite"])
  }

  @Test("a damaged record leaves the old index")
  func damagedStore() throws {
    let (scratch, writer) = try grownStore()
    try writer.close()
    let store = try Store.openReadOnly(at: scratch.store)
    let file = scratch.store.appending(try store.segments()[0].fileName)
    var location: EntryLocation?
    try store.forEach(order: .byKey) { (_, _, found) in
      location = found
      return .next
    }
    let damaged = try #require(location)
    let before = try scratch.bytes(of: scratch.index)
    let segment = try FileDescriptor.open(file, .readWrite)
    _ = try segment.closeAfter {
      try segment.writeAll(toAbsoluteOffset: Int64(damaged.valueOffset), [0x7a])
    }
    let error = #expect(throws: IndexExportError.self) {
      try IndexExport.write(store, to: scratch.index)
    }
    guard case .store = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try scratch.bytes(of: scratch.index) == before)
    #expect(try scratch.names == ["index.sqlite"])
  }

  @Test("a directory that can't be written to keeps its index")
  func unwritableDirectory() async throws {
    try await #require(processExitsWith: .success) {
      let scratch = try Scratch()
      let store = try scratch.openStore()
      try store.put("a", "1")
      let directory = scratch.path.appending("locked")
      try FileManager.default.createDirectory(
        atPath: directory.string,
        withIntermediateDirectories: false
      )
      let index = directory.appending("index.sqlite")
      try IndexExport.write(store, to: index)
      try run("chmod", ["755", scratch.path.string])
      try run("chmod", ["555", directory.string])
      try run("chmod", ["444", index.string])
      let before = try scratch.bytes(of: index)
      // Root may write anywhere: this process becomes somebody else.
      if geteuid() == 0 { try #require(seteuid(65_534) == 0) }
      let error = #expect(throws: IndexExportError.self) {
        try IndexExport.write(store, to: index)
      }
      _ = seteuid(getuid())
      try #require(
        error == .system(operation: "open", path: index, cause: .permissionDenied)
      )
      try #require(try scratch.bytes(of: index) == before)
      try #require(
        try FileManager.default.contentsOfDirectory(atPath: directory.string) == ["index.sqlite"]
      )
      try run("chmod", ["755", directory.string])
    }
  }

  @Test(
    "a full file system keeps the old index",
    .enabled(if: SmallFileSystem.isPossible),
    arguments: [false, true]
  )
  func fullFileSystem(updates: Bool) throws {
    let (scratch, store) = try grownStore()
    let small = try SmallFileSystem(at: scratch.path.appending("small"))
    let index = small.path.appending("index.sqlite")
    try IndexExport.write(store, to: index)
    let before = try scratch.bytes(of: index)
    // More than SQLite holds back until the end.
    for number in 0..<60_000 { try store.put("key \(number)", "") }
    let error = #expect(throws: IndexExportError.self) {
      if updates {
        try IndexExport.update(store, at: index)
      } else {
        try IndexExport.write(store, to: index)
      }
    }
    guard case .sqlite(let code, let message, index) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(code & 0xff == 13)
    let statement = updates ? "COMMIT" : "INSERT INTO entries "
    #expect(message.hasPrefix("database or disk is full (\(statement)"))
    #expect(try scratch.bytes(of: index) == before)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: small.path.string) == ["index.sqlite"]
    )
  }

  @Test("an error is one line and names the file")
  func descriptions() {
    let errors: [(IndexExportError, String)] = [
      (.store(.closed), "the store is closed"),
      (
        IndexExportError(
          SQLiteError(code: 13, message: "database or disk is full", sql: "INSERT a\nVALUES b"),
          path: "x"
        ), "x: SQLite error 13: database or disk is full (INSERT a)"
      ),
      (
        .notAnIndex("x"),
        "x: not an index written by Fenceline, so not overwritten; choose another path"
      ),
      (
        .inUse(journal: "x-wal"),
        "x-wal: a program is writing to the index or died over it; close or delete the index"
      ),
      (
        .system(operation: "open", path: "x", cause: .permissionDenied),
        "x: open: Permission denied"
      ),
    ]
    for (error, text) in errors { #expect(error.description == text) }
  }
}

/// A file system of 256 KiB, unmounted with its owner.
private final class SmallFileSystem {
  let path: FilePath

  static let isPossible: Bool = {
    guard let scratch = try? Scratch() else { return false }
    return (try? SmallFileSystem(at: scratch.path.appending("small"))) != nil
  }()

  init(at path: FilePath) throws {
    self.path = path
    try FileManager.default.createDirectory(
      atPath: path.string,
      withIntermediateDirectories: false
    )
    try run("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", path.string])
  }

  deinit { _ = try? run("umount", [path.string]) }
}
