// Runs the driver for all rounds and engines of one medium and value size.

import Foundation
import SystemPackage

struct Runner {
  var driver: String
  var scratch: FilePath
  var directory: MediumDirectory
  var plan: Plan

  /// Rounds outermost, so that whatever slows the machine down for a while hits all engines alike.
  ///
  /// `copiesAllSizes` has bare copies of all sizes measured, too, which no other number plays a part in.
  func measure(valueLength: Int, threads: Int, copiesAllSizes: Bool) throws -> Series {
    var outputs: [Engine: [DriverOutput]] = [:]
    // Copies have no other medium than memory.
    let chosen = plan.engines.filter { $0 != .copies || directory.medium.isByteAddressable }
    for round in 1...plan.rounds {
      for engine in chosen {
        note(
          "\(directory.medium.base), \(valueLength) B, \(threads) threads, round \(round): "
            + engine.rawValue
        )
        let output = try run(
          engine,
          valueLength: valueLength,
          threads: threads,
          round: round,
          copiesAllSizes: copiesAllSizes
        )
        outputs[engine, default: []].append(output)
      }
    }
    note(nil)
    let engines = chosen.map { EngineFigures(name: $0, rounds: outputs[$0] ?? []) }
    return Series(
      directory: directory.medium.base,
      fileSystem: directory.medium.fileSystem,
      isForced: directory.medium.isForced,
      valueLength: valueLength,
      threads: threads,
      engines: engines
    )
  }

  private func run(
    _ engine: Engine,
    valueLength: Int,
    threads: Int,
    round: Int,
    copiesAllSizes: Bool
  ) throws -> DriverOutput {
    let samples = scratch.appending("samples")
    let process = Process()
    process.executableURL = URL(filePath: driver)
    process.arguments = [
      "--engine", engine.rawValue, "--directory", try directory.fresh().string,
      "--value-length", "\(valueLength)", "--count", "\(plan.count)",
      "--writes", "\(plan.writes)", "--batch", "\(Plan.batch)",
      "--many", "\(Plan.many)", "--range", "\(Plan.range)", "--threads", "\(threads)",
      "--seconds", "\(plan.seconds)", "--seed", "\(round)",
      "--workloads", plan.workloads.map(\.rawValue).joined(separator: ","),
      "--peak-entries", "\(plan.peakEntries)", "--appended", "\(plan.appended)",
      "--samples", samples.string,
    ]
    // libpmem reads it when it is loaded, so the driver could not set it for itself.
    var environment = ProcessInfo.processInfo.environment
    environment["PMEM_IS_PMEM_FORCE"] = directory.medium.isForced ? "1" : nil
    process.environment = environment
    if directory.medium.isByteAddressable {
      process.arguments?.append("--byte-addressable")
    }
    if copiesAllSizes { process.arguments?.append("--sizes") }
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let text = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      throw BenchError(
        "\(engine.rawValue) on \(directory.medium.base) failed; its message is above"
      )
    }
    return try DriverOutput(
      text: String(decoding: text, as: UTF8.self),
      samples: [UInt8](Data(contentsOf: URL(filePath: samples.string)))
    )
  }

  /// Shows on a terminal what is going on, in one line that is written over.
  private func note(_ text: String?) {
    guard isatty(STDERR_FILENO) == 1 else { return }
    FileHandle.standardError.write(Data("\r\u{1b}[K\(text ?? "")".utf8))
  }
}
