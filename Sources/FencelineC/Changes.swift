// The fenceline_changes_... functions.

public import CFenceline
internal import Fenceline

/// What a handle stands for.
private final class ChangeReader {
  var feed: ChangeFeed

  init(_ feed: ChangeFeed) { self.feed = feed }
}

/// Begins to read changes; see fenceline.h.
@c @implementation
public func fenceline_changes_begin(
  _ store: OpaquePointer?,
  _ token: UnsafePointer<CChar>?,
  _ durable: CInt,
  _ changes: UnsafeMutablePointer<OpaquePointer?>?
) -> CInt {
  guard let changes = unsafe changes else { return nullPlace() }
  unsafe changes.pointee = nil
  guard let handle = unsafe handle(store) else { return nullStore() }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      let start: ChangeToken
      switch unsafe token.map({ unsafe String(cString: $0) }) {
      case nil: start = try store.changeToken
      case "": start = store.firstChangeToken
      case .some(let text):
        guard let token = ChangeToken(text) else { return invalidArgument("the token is none") }
        start = token
      }
      unsafe changes.pointee = begin(store.changeFeed(after: start, durability: .init(durable)))
      return .done
    } catch {
      return failure(error)
    }
  }
}

/// Begins to read changes behind a snapshot; see fenceline.h.
@c @implementation
public func fenceline_changes_begin_behind(
  _ snapshot: OpaquePointer?,
  _ durable: CInt,
  _ changes: UnsafeMutablePointer<OpaquePointer?>?
) -> CInt {
  guard let changes = unsafe changes else { return nullPlace() }
  unsafe changes.pointee = nil
  guard let handle = unsafe snapshotHandle(snapshot) else { return nullSnapshot() }
  return unsafe handle._withUnsafeGuaranteedRef { (snapshot) in
    unsafe changes.pointee = begin(snapshot.changeFeed(durability: .init(durable)))
    return .done
  }
}

/// Shows the next transaction; see fenceline.h.
@c @implementation
public func fenceline_changes_next(
  _ changes: OpaquePointer?,
  _ visitor: fenceline_change_visitor?,
  _ context: UnsafeMutableRawPointer?,
  _ sequence: UnsafeMutablePointer<UInt64>?
) -> CInt {
  guard let visitor = unsafe visitor else { return invalidArgument("there is no visitor") }
  guard let handle = unsafe readerHandle(changes) else { return nullChanges() }
  return unsafe handle._withUnsafeGuaranteedRef { (reader) in
    do throws(StoreError) {
      guard let next = try reader.feed.next() else { return .notFound }
      unsafe sequence?.pointee = next.sequence
      for change in next.changes {
        unsafe withChange(change) { (change) in unsafe visitor(context, change) }
      }
      return .done
    } catch {
      return failure(error)
    }
  }
}

/// Hands out a change as C sees it.
private func withChange(_ change: KeyChange, _ body: (UnsafePointer<fenceline_change>) -> Void) {
  unsafe withPointer(to: change.namespace) { (space) in
    unsafe change.key.withUnsafeBytes { (key) in
      unsafe (change.value ?? []).withUnsafeBytes { (value) in
        let shown = unsafe fenceline_change(
          space: space,
          key: change.isDrop ? nil : start(of: key),
          key_length: key.count,
          value: change.value == nil ? nil : start(of: value),
          value_length: value.count,
          expires: change.expiry?.millisecondsSince1970 ?? 0
        )
        unsafe withUnsafePointer(to: shown, body)
      }
    }
  }
}

/// Hands out a text, or NULL.
private func withPointer(to text: String?, _ body: (UnsafePointer<CChar>?) -> Void) {
  guard let text else { return body(nil) }
  unsafe text.withCString { unsafe body($0) }
}

/// Writes the token of the place; see fenceline.h.
@c @implementation
public func fenceline_changes_token(
  _ changes: OpaquePointer?,
  _ buffer: UnsafeMutablePointer<CChar>?,
  _ capacity: Int
) -> CInt {
  guard let handle = unsafe readerHandle(changes) else { return nullChanges() }
  guard let buffer = unsafe buffer else { return invalidArgument("the buffer is a null pointer") }
  return unsafe handle._withUnsafeGuaranteedRef { (reader) in
    let text = reader.feed.token.description.utf8CString
    guard text.count <= positive(capacity) else {
      return bufferTooSmall(positive(capacity), needed: text.count)
    }
    for (index, character) in text.enumerated() { unsafe buffer[index] = character }
    return .done
  }
}

/// Ends reading changes; see fenceline.h.
@c @implementation
public func fenceline_changes_end(_ changes: OpaquePointer?) {
  unsafe readerHandle(changes)?.release()
}

private func begin(_ feed: ChangeFeed) -> OpaquePointer {
  unsafe OpaquePointer(Unmanaged.passRetained(ChangeReader(feed)).toOpaque())
}

/// The reader behind a handle, not retained: it may not be ended during a call on it.
private func readerHandle(_ changes: OpaquePointer?) -> Unmanaged<ChangeReader>? {
  guard let changes = unsafe changes else { return nil }
  return unsafe Unmanaged<ChangeReader>.fromOpaque(UnsafeRawPointer(changes))
}

/// Where bytes start; not NULL where there are none.
private func start(of bytes: UnsafeRawBufferPointer) -> UnsafeRawPointer? {
  unsafe bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
}

private func nullChanges() -> CInt { invalidArgument("the changes are a null pointer") }

private func nullPlace() -> CInt {
  invalidArgument("there is no place for the changes: a null pointer")
}

extension Durability {
  /// What a C program means by a number.
  fileprivate init(_ number: CInt) { self = number == 0 ? .buffered : .durable }
}
