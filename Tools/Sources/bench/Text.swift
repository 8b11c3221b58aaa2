// Numbers as people read them.

import Foundation

enum Text {
  static func fixed(_ value: Double, _ digits: Int) -> String {
    value.formatted(.number.precision(.fractionLength(digits)).grouping(.never).locale(locale))
  }

  static func ratio(_ value: Double) -> String {
    switch value {
    case 0.1...: fixed(value, 2)
    case 0.001...: fixed(value, 4)
    case let small where small > 0: "1/\(fixed(1 / small, 0))"
    default: fixed(value, 0)
    }
  }

  /// A bound as somebody wrote it.
  static func bound(_ value: Double) -> String {
    value.formatted(.number.precision(.fractionLength(0...2)).grouping(.never).locale(locale))
  }

  static func count(_ value: Int) -> String {
    value.formatted(.number.grouping(.automatic).locale(locale))
  }

  static func duration(_ nanoseconds: Double) -> String {
    switch nanoseconds {
    case ..<1e4: "\(fixed(nanoseconds, 0)) ns"
    case ..<1e7: "\(fixed(nanoseconds / 1e3, 1)) us"
    case ..<1e10: "\(fixed(nanoseconds / 1e6, 1)) ms"
    default: "\(fixed(nanoseconds / 1e9, 1)) s"
    }
  }

  static func short(_ value: Double) -> String {
    switch value {
    case ..<100: fixed(value, 1)
    case ..<10_000: fixed(value, 0)
    case ..<1e6: "\(fixed(value / 1e3, 1)) k"
    default: "\(fixed(value / 1e6, 2)) M"
    }
  }

  static func bytes(_ value: Int) -> String {
    let kibibytes = Double(value) / 1024
    return switch kibibytes {
    case ..<1024: "\(fixed(kibibytes, 0)) KiB"
    case ..<1_048_576: "\(fixed(kibibytes / 1024, 0)) MiB"
    default: "\(fixed(kibibytes / 1_048_576, 1)) GiB"
    }
  }

  static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private static let locale = Locale(identifier: "en_US")
}
