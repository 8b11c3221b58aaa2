// `kvctl get`: the value of one key, byte for byte.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage
internal import TextFormats

struct Get: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the value of a key.",
    discussion: """
      Prints exactly the bytes of the value; on a terminal a newline follows if the value has none \
      at its end. With --hex, KEY and the output are hexadecimal digits, with a newline.

      Ends with status 1, and prints nothing, if the store has no such key.

      EXAMPLES
        kvctl get notes milk
        kvctl get photos cat.jpg > cat.jpg
        kvctl get --hex table 00ff
        kvctl get notes milk > /dev/null || echo none
        kvctl get notes milk --at 17
        kvctl get notes milk --namespace shopping
      """
  )

  @OptionGroup var target: KeyArguments

  @OptionGroup var moment: MomentOption

  @OptionGroup var place: NamespaceOption

  func run() throws {
    let key = try target.keyBytes
    // A copy: nothing is printed before the whole answer is known to be right.
    let found = try reportingStoreErrors { () throws(StoreError) in
      let store = try moment.open(target.location.store)
      guard let namespace = try place.find(in: store) else { return try store.get(key) }
      return try namespace.get(key)
    }
    guard let value = found else { throw Failure.notFound }
    var output = Output.standard()
    if target.hex {
      try output.append(hexEncode(value.span) + "\n")
    } else {
      try output.write(value)
      if value.last != UInt8(ascii: "\n"), SystemCalls.isTerminal(.standardOutput) {
        try output.append("\n")
      }
    }
    try output.flush()
  }
}
