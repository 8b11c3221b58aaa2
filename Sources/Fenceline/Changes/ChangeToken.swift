// The place of a reader of changes, as it can be kept by whoever reads: it names a transaction, and says
// enough to tell a store that has the transaction from one that never did.

internal import JournalFormat

/// A place in the history of one store: behind a transaction.
///
/// As text it is one word of letters, digits and hyphens.
public struct ChangeToken: Sendable, Hashable, LosslessStringConvertible {
  let storeID: StoreID
  /// Of the writer that committed the transaction: each recovery begins another one.
  let incarnation: UInt64
  /// Sequence of the transaction; 0 is before the first one.
  public let sequence: UInt64

  init(storeID: StoreID, incarnation: UInt64, sequence: UInt64) {
    self.storeID = storeID
    self.incarnation = incarnation
    self.sequence = sequence
  }

  /// The token that ``description`` gave, or nil where the text is none.
  public init?(_ description: String) {
    let parts = description.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 4, let high = UInt64(parts[0], radix: 16),
      let low = UInt64(parts[1], radix: 16), let incarnation = UInt64(parts[2]),
      let sequence = UInt64(parts[3])
    else { return nil }
    self.init(
      storeID: StoreID(low: low, high: high),
      incarnation: incarnation,
      sequence: sequence
    )
    guard self.description == description else { return nil }
  }

  /// The store, the writer's incarnation and the sequence.
  public var description: String {
    let (high, low) = (String(storeID.high, radix: 16), String(storeID.low, radix: 16))
    return "\(high)-\(low)-\(incarnation)-\(sequence)"
  }
}

/// What a transaction did with one key, or that it dropped a namespace.
public struct KeyChange: Sendable, Hashable {
  /// Name of the key's namespace; nil for the default one.
  public let namespace: String?
  /// The namespace was dropped, with every key in it; there is no key then.
  public let isDrop: Bool
  /// The key.
  public let key: [UInt8]
  /// What the key has since; nil where it was deleted.
  public let value: [UInt8]?
  /// When the value ends; nil where it lasts.
  public let expiry: Expiry?

  /// A change; nil as a value stands for a delete, as a namespace for the default one, as an expiry for none.
  public init(
    key: [UInt8],
    value: [UInt8]?,
    expiry: Expiry? = nil,
    in namespace: String? = nil
  ) {
    self.namespace = namespace
    isDrop = false
    self.key = key
    self.value = value
    self.expiry = expiry
  }

  /// The end of a namespace.
  public init(dropOf namespace: String) {
    self.namespace = namespace
    isDrop = true
    key = []
    value = nil
    expiry = nil
  }
}

/// A transaction that was committed.
public struct ChangedTransaction: Sendable, Hashable {
  /// The place behind it, where the next one is read.
  public let token: ChangeToken
  /// Every key that it wrote, each once, in the order of the journal, and the namespaces that it dropped.
  ///
  /// What was written to a namespace that is dropped by now is left out.
  public let changes: [KeyChange]

  /// Its number in the history.
  public var sequence: UInt64 { token.sequence }
}
