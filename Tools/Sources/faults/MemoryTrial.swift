// Memory that can't be had: a life in an address space that ends somewhere, from nothing at all to enough.
// The kernel refuses whatever comes then: the store's tables, stages and mappings, copies, threads.

internal import FaultLayer
internal import SystemPackage

/// One trial: how much more memory than at its start a life may map.
struct MemoryCase: Sendable {
  let roomInKiB: Int

  static let row = "limited memory"
  var name: String { "\(Self.row)/\(roomInKiB)" }

  /// Fine steps as long as little can be had, coarse ones up to what a life takes.
  static let all: [MemoryCase] =
    (stride(from: 0, to: 4096, by: 64).map { $0 }
    + stride(from: 4096, to: 32768, by: 512).map { $0 }
    + stride(from: 32768, through: 262144, by: 16384).map { $0 }).map { MemoryCase(roomInKiB: $0) }
}

extension Trial {
  /// What the errors of such a life are held against.
  private static let rule = FaultCase(
    function: FaultFunction(FAULT_MAP_MEMORY, MemoryCase.row, [.noMemory]),
    call: 1,
    error: .noMemory,
    lasts: true
  )

  /// Runs one case.
  func run(_ memory: MemoryCase) throws -> TrialResult {
    try prepare()
    let (files, mappings) = (fault_open_files(), fault_mapped_files())
    let life = Life(in: root, isOnDisk: medium == .disk, fault: Self.rule)
    fault_begin(nil)
    guard fault_limit_memory(memory.roomInKiB << 10) else {
      throw Errno.noMemory
    }
    life.run()
    fault_end_limit()
    fault_end()
    fault_forget()
    var findings = life.findings + judge(life)
    if fault_open_files() != files { findings.append("files were left open") }
    if fault_mapped_files() != mappings { findings.append("mappings were left") }
    return TrialResult(
      answer: answer(of: life),
      hits: life.errors.isEmpty ? 0 : 1,
      error: life.errors.first.map { "\($0.step): \($0.error)" },
      findings: findings
    )
  }
}
