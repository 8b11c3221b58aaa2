// The copy core's own promise, apart from any journal: behind a fence, nothing of what was copied or
// flushed is uncertain, whatever its offset and length. A journal uses few of all offsets and lengths.

internal import CFlush

/// What a flushed copy and a flush promise.
package enum CopyContract {
  /// Tries both at every offset in a line.
  ///
  /// - Parameters:
  ///   - hardware: where it is persistent memory.
  ///   - policy: one that is right on it.
  /// - Returns: what is left uncertain behind the fence.
  package static func violations(on hardware: CrashHardware, _ policy: CopyPolicy) -> [String] {
    var found: [String] = []
    for offset in 0..<64 {
      for length in [1, 2, 7, 8, 9, 16, 63, 64, 65, 127, 128, 129, 200, 1100] {
        for way in Way.allCases {
          let trace = trace(policy, offset, length, way)
          let replay = MediumReplay(trace, on: hardware)
          while replay.position < trace.events.count { replay.step() }
          let chains = replay.chains(tearsBlocks: true) { _ in true }
          guard !chains.isEmpty else { continue }
          found.append(
            "\(length) bytes \(way.rawValue) at \(offset) on \(hardware.rawValue), \(policy)"
          )
        }
      }
    }
    return found
  }

  /// How bytes are made durable.
  private enum Way: String, CaseIterable {
    case copied
    case flushed
  }

  private static func trace(
    _ policy: CopyPolicy,
    _ offset: Int,
    _ length: Int,
    _ way: Way
  ) -> Trace {
    let zeros = [UInt8](repeating: 0, count: 2048)
    let memory = FileMemory(contents: zeros)
    let recorder = TraceRecorder(
      policy: policy,
      continuing: Trace(initialFiles: [.init(name: "file", contents: zeros)])
    )
    unsafe recorder.register(memory.address, length: memory.length, as: 0)
    // SAFETY: the target lies in the memory, which outlives the calls; so does the recorder.
    unsafe recorder.withCore { core in
      unsafe [UInt8](repeating: 0xa5, count: length).withUnsafeBytes { (bytes) in
        let target = unsafe memory.address + 64 + offset
        switch way {
        case .copied: unsafe fl_copy_flushcache(core, target, bytes.baseAddress, bytes.count)
        case .flushed:
          unsafe fl_copy_cached(core, target, bytes.baseAddress, bytes.count)
          unsafe fl_flush(core, target, bytes.count)
        }
      }
      unsafe fl_fence(core)
    }
    return recorder.trace
  }
}
