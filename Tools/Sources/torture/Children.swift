// The processes of a lane: writers, readers, and kvctl.

import DamageLab
import Glibc
import SystemPackage
import TextFormats
import ToolSupport

/// Which process this one is.
enum Role: String {
  case lane, writer, reader
}

/// Starts what works on one store.
struct Children {
  let store: FilePath
  let board: FilePath
  let scratch: FilePath
  let kvctl: String?
  /// A deliberate fault, for all of them.
  let mutant: String?

  func writer(_ shape: StoreShape, from first: Int, speaksC: Bool, keyCount: Int) throws
    -> Subprocess
  {
    try start(
      .writer,
      shape,
      ["--first", "\(first)", "--key-count", "\(keyCount)"]
        + (speaksC ? ["--speaks-c"] : [])
    )
  }

  func reader(_ shape: StoreShape, slot: Int) throws -> Subprocess {
    try start(.reader, shape, ["--slot", "\(slot)"])
  }

  private func start(_ role: Role, _ shape: StoreShape, _ rest: [String]) throws -> Subprocess {
    var arguments = [
      "/proc/self/exe", "--role", role.rawValue, "--store", store.string, "--board", board.string,
      "--store-seed", "\(shape.seed)",
    ]
    if let mutant { arguments += ["--mutant", mutant] }
    return try Subprocess(arguments + rest)
  }

  /// What the last import said.
  var importErrors: FilePath { scratch.appending("kvctl.errors") }

  /// Has kvctl import the lines of a window.
  func importer(_ kvctl: String, _ window: Window, _ model: StoreModel) throws -> Subprocess {
    var text: ByteString = []
    for number in window.first...window.last {
      for change in window.operation(number, in: model.shape).changes {
        let version = Version(operation: number, item: 0, length: change.length ?? 0)
        let value = model.values.value(of: version, key: change.key)
        let key = model.shape.keys[change.key]
        appendTSVLine(key: key.span, value: value.span, to: &text)
      }
    }
    let lines = scratch.appending("lines.tsv")
    try Files.replace(lines, with: text)
    return try Subprocess(
      [kvctl, "import", store.string, lines.string],
      output: "/dev/null",
      errors: importErrors
    )
  }
}
