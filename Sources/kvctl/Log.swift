// `kvctl log`: what the journal still holds of one key.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage
internal import TextFormats

struct Log: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the versions of a key that are still held.",
    discussion: """
      The newest first, one line each. TSV: sequence of the transaction, tab, "put", tab, value; or \
      sequence, tab, "delete". JSON lines: {"sequence":5,"value":"..."} or {"sequence":5,"deleted":true}. \
      Compactions give superseded versions back: from where on 'kvctl stat' says that the past can be \
      seen, nothing is missing.

      Of a version that ends JSON lines say when, in milliseconds since 1970: "expires".

      Ends with status 1 if nothing is known of the key.

      EXAMPLES
        kvctl log notes milk
        kvctl log notes milk --format jsonl | jq .
        kvctl get notes milk --at 17
        kvctl log notes milk --namespace shopping
      """
  )

  @OptionGroup var target: KeyArguments

  @OptionGroup var place: NamespaceOption

  @Option(help: "Format of the lines.")
  var format = TextFormat.tsv

  func validate() throws {
    if target.hex, format == .jsonl {
      throw ValidationError("--hex prints columns; JSON lines need none, base64 is part of them.")
    }
  }

  func run() throws {
    let key = try target.keyBytes
    let (store, namespace) = try reportingStoreErrors { () throws(StoreError) in
      let store = try Store.openReadOnly(at: target.location.store)
      return (store, try place.find(in: store))
    }
    var output = Output.standard()
    var count = 0
    var failure: Failure?
    var damage: StoreError?
    func take(_ version: KeyVersion, _ value: RawSpan?) -> IterationStep {
      do throws(Failure) {
        try output.append { appendLine(version, value, to: &$0) }
      } catch {
        failure = error
        return .stop
      }
      count += 1
      return .next
    }
    do throws(StoreError) {
      if let namespace {
        try namespace.forEachVersion(of: unsafe key.span.bytes, take)
      } else {
        try store.forEachVersion(of: unsafe key.span.bytes, take)
      }
    } catch {
      damage = error
    }
    if let failure { throw failure }
    try output.flush()
    if let damage { throw Failure(damage, remainder: "what is sound was printed") }
    if count == 0 { throw Failure.notFound }
  }

  private func appendLine(_ version: KeyVersion, _ value: RawSpan?, to line: inout [UInt8]) {
    switch format {
    case .tsv:
      line.append(contentsOf: "\(version.sequence)\t\(version.isDelete ? "delete" : "put\t")".utf8)
      if let value {
        if target.hex {
          line.append(contentsOf: hexEncode(Span(_bytes: value)).utf8)
        } else {
          appendTSVField(Span(_bytes: value), to: &line)
        }
      }
    case .jsonl:
      line.append(contentsOf: "{\"sequence\":\(version.sequence),".utf8)
      if let value {
        appendJSONMember("value", Span(_bytes: value), to: &line)
        if let expiry = version.expiry {
          appendJSONExpiry(expiry.millisecondsSince1970, to: &line)
        }
      } else {
        line.append(contentsOf: "\"deleted\":true".utf8)
      }
      line.append(UInt8(ascii: "}"))
    }
    line.append(UInt8(ascii: "\n"))
  }
}
