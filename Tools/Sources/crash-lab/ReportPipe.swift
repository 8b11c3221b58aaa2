// What workers tell the process that started them: short lines on one pipe, each written at once.

import CrashLab
import Glibc
import SystemPackage

/// One line of a worker.
enum WorkerMessage {
  /// A worker begins with a program.
  case begun(worker: Int, program: String)
  /// It is done with it: what it found.
  case done(worker: Int, isRandom: Bool, CrashReport)
  /// A mutant's trial looks at this, after so many images.
  case trying(images: Int, String)
  /// It has found the mutant.
  case found(images: Int, String)

  /// The report's numbers; the worker prints violations itself.
  private static var counters: [WritableKeyPath<CrashReport, Int>] {
    [
      \.moments, \.sampledMoments, \.images, \.distinctImages, \.recoveryClasses, \.recoveries,
      \.mixedLines,
    ]
  }

  fileprivate var line: String {
    switch self {
    case .begun(let worker, let program): return "begun \(worker) \(program)"
    case .trying(let images, let name): return "trying \(images) \(name)"
    case .found(let images, let name): return "found \(images) \(name)"
    case .done(let worker, let isRandom, let report):
      let numbers = Self.counters.map { String(report[keyPath: $0]) }.joined(separator: " ")
      return "done \(worker) \(isRandom ? 1 : 0) \(report.violations.count) \(numbers)"
    }
  }

  init?(line: Substring) {
    let fields = line.split(separator: " ", maxSplits: 2)
    guard fields.count == 3, let number = Int(fields[1]) else { return nil }
    let text = String(fields[2])
    switch fields[0] {
    case "begun": self = .begun(worker: number, program: text)
    case "trying": self = .trying(images: number, text)
    case "found": self = .found(images: number, text)
    case "done": self.init(worker: number, numbers: text)
    default: return nil
    }
  }

  private init?(worker: Int, numbers text: String) {
    let numbers = text.split(separator: " ").compactMap { Int($0) }
    guard numbers.count == 2 + Self.counters.count else { return nil }
    var report = CrashReport()
    report.violations = Array(repeating: "", count: numbers[1])
    for (counter, number) in zip(Self.counters, numbers.dropFirst(2)) {
      report[keyPath: counter] = number
    }
    self = .done(worker: worker, isRandom: numbers[0] == 1, report)
  }
}

extension FileDescriptor {
  /// A pipe whose reading end children don't inherit: when nobody reads any more, they end.
  static func reportPipe() throws -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
    let pipe = try FileDescriptor.pipe()
    guard fcntl(pipe.readEnd.rawValue, F_SETFD, FD_CLOEXEC) == 0 else {
      throw Errno(rawValue: errno)
    }
    return pipe
  }
}

/// The writing end.
struct ReportPipe {
  private let descriptor: FileDescriptor

  init(_ number: Int32) { descriptor = FileDescriptor(rawValue: number) }

  /// Lines are shorter than what a pipe takes at once, so those of several workers don't mix.
  func send(_ message: WorkerMessage) throws {
    try descriptor.writeAll((message.line.prefix(1000) + "\n").utf8)
  }
}

/// The reading end: lines as they come.
struct ReportLines {
  private let descriptor: FileDescriptor
  private var buffered: [UInt8] = []

  init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

  /// The next message, or nil once every worker has closed its end.
  mutating func next() throws -> WorkerMessage? {
    while true {
      if let end = buffered.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: buffered[..<end], as: UTF8.self)
        buffered.removeSubrange(...end)
        if let message = WorkerMessage(line: line[...]) { return message }
        continue
      }
      let chunk = try unsafe [UInt8](unsafeUninitializedCapacity: 4096) { (buffer, count) in
        unsafe count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
      if chunk.isEmpty { return nil }
      buffered += chunk
    }
  }
}
