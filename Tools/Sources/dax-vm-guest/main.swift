// The program that Tools/dax-vm runs in its virtual machines, on file systems whose machine dies.
//
//   dax-vm-guest write STORE LIVES ACKNOWLEDGED OUTPUT [LAST]
//     judges the store as `check` does, then writes; OUTPUT gets "state N" first, then a line for each
//     number that is durable. LIVES is LIFE:FIRST,LIFE:FIRST,... of those before, and the number of the new one.
//   dax-vm-guest check STORE LIVES ACKNOWLEDGED
//     prints "state N" where the store holds exactly what the transactions up to N left, N being at least
//     ACKNOWLEDGED
//   dax-vm-guest hold read|write STORE
//     one handle that answers calls from the standard input
//   dax-vm-guest require STORE
//     opens a store only where synced commits survive power failures
//
// Exit status: 65 where the store shows what it must not, 74 where it reports an error.

import Fenceline
import Glibc
import SystemPackage

/// LIFE:FIRST, with commas between.
func lives(_ text: String) -> [Life] {
  text.split(separator: ",").compactMap { pair in
    let numbers = pair.split(separator: ":").compactMap { UInt64($0) }
    return numbers.count == 2 ? Life(number: UInt32(numbers[0]), first: numbers[1]) : nil
  }
}

/// The store, or nil where there is none.
func open(ifThere path: FilePath) throws -> Store? {
  do { return try Store.openReadOnly(at: path) } catch {
    if case .noStore = error { return nil }
    throw error
  }
}

/// The number of the last transaction in a store that may not be there yet.
func check(_ path: FilePath, _ lives: [Life], _ acknowledged: UInt64) throws -> UInt64 {
  guard let store = try open(ifThere: path) else {
    guard acknowledged == 0 else { throw Violation(description: "the store is gone") }
    return 0
  }
  let state = try Judge(lives: lives).check(store, acknowledged: acknowledged)
  try store.close()
  let report = try Store.verify(at: path)
  guard report.isSound else { throw Violation(description: "verify finds \(report.findings)") }
  return state
}

func write(_ path: FilePath, _ arguments: [String]) throws {
  var lives = lives(arguments[0])
  let number = lives.count + 1
  let state = try check(path, lives, UInt64(arguments[1]) ?? 0)
  let output = try FileDescriptor.open(FilePath(arguments[2]), .writeOnly)
  lives.append(Life(number: UInt32(number), first: state + 1))
  try output.writeAll("state \(state)\n".utf8)
  let last = arguments.count > 3 ? state + (UInt64(arguments[3]) ?? 0) : .max
  let writer = Writer(path, lives[number - 1], acknowledgements: output)
  try writer.run(until: last, Judge(lives: lives))
}

func open(_ path: FilePath, _ access: String) throws -> Store {
  access == "read"
    ? try Store.openReadOnly(at: path, options: Writer.options)
    : try Store.open(at: path, options: Writer.options)
}

let arguments = CommandLine.arguments
do {
  switch (arguments.count > 2 ? arguments[1] : "", arguments.count) {
  case ("write", 6...7): try write(FilePath(arguments[2]), Array(arguments[3...]))
  case ("check", 5):
    let acknowledged = UInt64(arguments[4]) ?? 0
    print("state \(try check(FilePath(arguments[2]), lives(arguments[3]), acknowledged))")
  case ("hold", 4): Handle(store: try open(FilePath(arguments[3]), arguments[2])).serve()
  case ("require", 3):
    var options = StoreOptions()
    options.requiredSurvival = .powerFailure
    print("survives: \(try Store.open(at: FilePath(arguments[2]), options: options).sync())")
  default:
    print("dax-vm-guest: this is for Tools/dax-vm")
    exit(64)
  }
} catch {
  print("dax-vm-guest: \(error)")
  exit(error is Violation ? 65 : 74)
}
