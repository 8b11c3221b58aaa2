// What the figures were taken on.

import Foundation

struct Machine: Codable {
  var revision: String
  var date: String
  var processor: String
  var cores: Int
  var memoryInBytes: Int
  var kernel: String
  /// Of the last minute before the run: processes that wanted a core, this one not among them.
  var loadAverage: Double
  var plan: Plan

  init(revision: String, plan: Plan) {
    let information = ProcessInfo.processInfo
    self.revision = revision
    self.plan = plan
    date = Date.now.formatted(.iso8601)
    cores = information.activeProcessorCount
    memoryInBytes = Int(information.physicalMemory)
    kernel = Self.field("", in: "/proc/sys/kernel/osrelease") ?? "unknown"
    loadAverage =
      Self.field("", in: "/proc/loadavg")?.split(separator: " ").first.flatMap { Double($0) } ?? 0
    let names = ["vendor_id", "cpu family", "model name", "model\t", "stepping"]
    let fields = names.compactMap { Self.field($0, in: "/proc/cpuinfo") }
    processor =
      fields.count == names.count
      ? "\(fields[2]) (\(fields[0]) family \(fields[1]) model \(fields[3]) stepping \(fields[4]))"
      : "unknown"
  }

  /// What the system could give to programs now.
  static func availableMemory() -> Int? {
    field("MemAvailable", in: "/proc/meminfo")?.split(separator: " ").first.flatMap { Int($0) }
      .map { $0 << 10 }
  }

  /// The text behind the colon in the first line that begins with a name.
  private static func field(_ name: String, in path: String) -> String? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else {
      return nil
    }
    let value = name.isEmpty ? line : line.drop { $0 != ":" }.dropFirst()
    return value.trimmingCharacters(in: .whitespaces)
  }
}
