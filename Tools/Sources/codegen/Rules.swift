// What the check starts from and where it ends: the file Tools/lib/hot_paths.txt, whose head
// explains the lines.

struct Rules {
  enum Kind: String {
    case path, slow, plain, end
  }

  private(set) var kinds: [Substring: Kind] = [:]

  init(text: String) throws(CodegenError) {
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      // Names have the sign in them, but only behind one blank.
      let rule = line.firstRange(of: "  #").map { line[..<$0.lowerBound] } ?? line
      let words = rule.split(separator: " ", maxSplits: 1)
      guard words.count == 2, let kind = Kind(rawValue: String(words[0])) else {
        throw CodegenError("a rule is a kind and a name, not '\(line)'")
      }
      guard kinds.updateValue(kind, forKey: words[1]) == nil else {
        throw CodegenError("there are two rules for '\(words[1])'")
      }
    }
  }

  /// Names with a rule of that kind, in order.
  func names(_ kind: Kind) -> [Substring] { kinds.filter { $0.value == kind }.keys.sorted() }
}

/// A failure that is told in one line.
struct CodegenError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
