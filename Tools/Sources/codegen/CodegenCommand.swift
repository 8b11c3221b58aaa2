// The program behind Tools/codegen: reads what llvm-objdump says of the release build's objects and
// finds calls on the way of a put, a get or a delete that cost what nobody sees in the source.

import ArgumentParser
import Foundation

@main
struct CodegenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "Tools/codegen",
    abstract: "Checks that puts, gets and deletes count no references and allocate nothing.",
    discussion: """
      Builds the C library's objects, disassembles them, and follows each call that has to be fast \
      through everything that it calls on its way. Fails, and names the function, the instruction \
      and the source line, where that reaches a function outside of the project which is not known \
      to be plain: one that retains, releases, allocates, looks up a type or checks for exclusive \
      access. Tools/lib/hot_paths.txt says where the ways begin and what is not on them.
      """
  )

  @Flag(help: "List all functions that were followed.")
  var list = false

  @Option(help: .hidden) var rules: String = ""
  @Option(help: .hidden) var code: String = ""
  @Option(help: .hidden) var relocations: String = ""
  @Option(help: .hidden) var names: String = ""
  @Option(help: .hidden) var root: String = ""
  @Flag(help: .hidden) var onlyCheckArguments = false

  func run() throws {
    if onlyCheckArguments { return }
    let rules = try Rules(text: Self.text(of: self.rules))
    let listing = Listing(
      code: try Self.text(of: code),
      relocations: try Self.text(of: relocations)
    )
    var readable: [Substring: Substring] = [:]
    for line in try Self.text(of: names).split(separator: "\n") {
      let fields = line.split(separator: "\t")
      if fields.count == 2 { readable[fields[0]] = fields[1] }
    }
    let paths = HotPaths(listing, rules, names: readable)
    if list { printFunctions(paths) }
    for name in paths.unusedRules where rules.kinds[name] != .path {
      print("\(name): nothing on the way calls it any more; its rule can go")
    }
    for offence in paths.offences { print(describe(offence, paths)) }
    let missing = paths.unusedRules.filter { rules.kinds[$0] == .path }
    for name in missing { print("\(name): no such function, so nothing of it was checked") }
    let instructions = paths.visits.reduce(0) { $0 + $1.hotInstructions }
    print(
      "\(rules.names(.path).count) calls that have to be fast: \(paths.visits.count) functions, "
        + "\(instructions) instructions on their way, \(paths.offences.count) that must not be there"
    )
    guard paths.offences.isEmpty, missing.isEmpty else { throw ExitCode.failure }
  }

  private func printFunctions(_ paths: HotPaths) {
    print("instructions on the way, calls through pointers, function")
    for visit in paths.visits {
      print("\(visit.hotInstructions)\t\(visit.pointerCalls)\t\(paths.name(of: visit.function))")
    }
  }

  private func describe(_ offence: Offence, _ paths: HotPaths) -> String {
    let chain = offence.chain.map { String(paths.name(of: $0)) }
    var source = offence.instruction.source.map(String.init) ?? "no source line"
    if source.hasPrefix(root + "/") { source.removeFirst(root.count + 1) }
    let offset = String(offence.instruction.offset, radix: 16)
    let instruction = "\(offence.instruction.mnemonic) at 0x\(offset)"
    return """
      \(chain.last ?? "?"): \(instruction) calls \(offence.callee)
        \(source)
        on the way of \(chain.joined(separator: " > "))
      """
  }

  private static func text(of file: String) throws -> String {
    // Symbols are bytes; what is not UTF-8 among them is none of the project's.
    String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
  }
}
