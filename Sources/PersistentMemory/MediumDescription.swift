// What a directory's medium is, as found by probing. Facts only: what a commit survives is derived
// from them by the store.

/// How bytes reach the medium.
package enum MediumKind: String, Sendable, CaseIterable {
  /// Mapped by libpmem: flushing copies and a fence.
  case persistentMemory
  /// Mapped by libpmem with a persistence domain that includes the CPU caches: plain copies, a fence.
  case persistentMemoryWithFlushOnFailure
  /// An ordinary file system: staged, `pwrite`, `fdatasync`.
  case file
  /// tmpfs or ramfs: plain copies; nothing outlives the kernel.
  case volatile
}

/// What probing found, for decisions and for `stat`.
package struct MediumDescription: Sendable, Equatable {
  package var kind: MediumKind
  /// `PMEM_IS_PMEM_FORCE=1` made libpmem treat an ordinary mapping as persistent memory.
  package var isForced: Bool
  /// Whether this machine's flush instruction reaches the persistence domain.
  package var flushReachesPersistence: Bool
  /// Policy of the copy core: "strict", "trusting" or "plain".
  package var copyPolicy: String
  /// Instruction set of the copy core.
  package var instructionSet: String
  /// Flush instruction of the copy core, or "none".
  package var flushInstruction: String

  package init(
    kind: MediumKind,
    isForced: Bool,
    core: CopyCore
  ) {
    self.kind = kind
    self.isForced = isForced
    flushReachesPersistence = core.reachesPersistence
    copyPolicy = core.policyName
    instructionSet = core.instructionSetName
    flushInstruction = core.flushName
  }
}
