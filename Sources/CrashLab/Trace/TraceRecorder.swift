// Turns what a recording copy core reports into a trace: addresses become files and offsets.
//
// Invariant: events of all threads stand in the trace in one order, the order in which they took
// effect; a store's bytes are read while the storing thread waits, so they are what it stored.

internal import CFlush
package import PersistentMemory
internal import Synchronization

/// The rule by which the copy core under test writes lines back.
package enum CopyPolicy: String, Sendable, CaseIterable {
  /// A non-temporal store may stay in the cache; every line is written back.
  case strict
  /// A non-temporal store never stays in the cache.
  case trusting
  /// Nothing is written back: ordinary stores.
  case plain

  fileprivate var value: fl_policy {
    switch self {
    case .strict: FL_POLICY_STRICT
    case .trusting: FL_POLICY_TRUSTING
    case .plain: FL_POLICY_PLAIN
    }
  }
}

/// Owns a trace while it grows, and the recording core that feeds it.
@safe
package final class TraceRecorder: @unchecked Sendable {
  // SAFETY: `handle` is set once, in `init`; everything that changes is behind the mutex.
  private struct Region {
    let start: UInt
    let length: Int
    let file: Int
  }

  private struct State {
    var trace: Trace
    var regions: [Region] = []
  }

  private let state: Mutex<State>
  private var handle: OpaquePointer?
  package let policy: CopyPolicy

  /// Goes on with `trace`.
  package init(policy: CopyPolicy, continuing trace: Trace = Trace()) {
    self.policy = policy
    state = Mutex(State(trace: trace))
    unsafe handle = nil
    // SAFETY: the core is released in deinit, so it never outlives the context.
    unsafe handle = fl_core_recording(
      policy.value,
      { context, event in
        guard let context = unsafe context, let event = unsafe event else { return }
        let recorder = unsafe Unmanaged<TraceRecorder>.fromOpaque(context)
          .takeUnretainedValue()
        unsafe recorder.record(event.pointee)
      },
      Unmanaged.passUnretained(self).toOpaque()
    )
  }

  deinit { unsafe fl_core_release(handle) }

  /// The core that reports here; whoever uses it keeps the recorder alive.
  package var core: CopyCore {
    guard let handle = unsafe handle else { preconditionFailure("no memory for a core") }
    return unsafe CopyCore(handle: handle)
  }

  /// Hands out the core itself.
  @unsafe
  func withCore(_ body: (OpaquePointer) -> Void) {
    guard let handle = unsafe handle else { preconditionFailure("no memory for a core") }
    unsafe body(handle)
  }

  /// What was recorded so far.
  package var trace: Trace { state.withLock { $0.trace } }
  package var eventCount: Int { state.withLock { $0.trace.events.count } }

  package func append(_ event: Trace.Event) { state.withLock { $0.trace.append(event) } }

  /// Adds the creation of a file and returns its number.
  func appendCreation(of name: String, contents: [UInt8]) -> Int {
    state.withLock { $0.trace.appendCreation(of: name, contents: contents) }
  }

  /// Adds a write to a file on a disk.
  func appendWrite(file: Int, offset: Int, bytes: RawSpan, kind: Trace.StoreKind) {
    // SAFETY: the buffer is read during the call only.
    unsafe bytes.withUnsafeBytes { bytes in
      state.withLock {
        unsafe $0.trace.appendStore(
          file: file,
          offset: offset,
          bytes: bytes,
          kind: kind,
          thread: fl_thread_id()
        )
      }
    }
  }

  /// Reports stores to `memory` as stores to `file`.
  func register(_ memory: UnsafeMutableRawPointer, length: Int, as file: Int) {
    let start = UInt(bitPattern: memory)
    state.withLock { $0.regions.append(Region(start: start, length: length, file: file)) }
  }

  private func record(_ event: fl_event) {
    let address = unsafe UInt(bitPattern: event.address)
    let length = unsafe event.length
    let thread = unsafe event.thread
    let kind = unsafe event.kind
    state.withLock { state in
      if kind == FL_EVENT_FENCE {
        state.trace.append(.fence(thread: thread))
        return
      }
      let region = state.regions.last { address >= $0.start && address - $0.start < $0.length }
      guard let region else { return }
      let offset = Int(address - region.start)
      if kind == FL_EVENT_FLUSH {
        state.trace.append(.flush(file: region.file, line: offset & ~63, thread: thread))
        return
      }
      // SAFETY: the event is reported after the store, before the memory can go.
      let bytes = unsafe UnsafeRawBufferPointer(start: event.address, count: length)
      unsafe state.trace.appendStore(
        file: region.file,
        offset: offset,
        bytes: bytes,
        kind: kind == FL_EVENT_STORE_STREAM ? .streamed : .cached,
        thread: thread
      )
    }
  }
}
