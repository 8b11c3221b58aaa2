// What a fuzzer once found stays without a finding, and so does what is made of it in a few seconds. The
// fuzzer itself is Tools/fuzz; an input here is a file below Data/fuzz, and one that begins with "found"
// was a finding once.

import Foundation
import FuzzTargets
import Testing

struct ReplayTests {
  private static let corpora = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Data/fuzz")

  /// The kept inputs of a target, by name.
  private static func inputs(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
    let directory = corpora.appending(path: target.rawValue)
    return try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted().map {
      ($0, [UInt8](try Data(contentsOf: directory.appending(path: $0))))
    }
  }

  @Test(arguments: FuzzTarget.allCases)
  func `Inputs that were kept give no finding`(target: FuzzTarget) throws {
    let inputs = try Self.inputs(of: target)
    #expect(inputs.count > 10)
    for input in inputs {
      #expect(throws: Never.self, "\(target), \(input.name)") { try target.check(input.bytes) }
    }
    for (number, seed) in try target.seeds().enumerated() {
      #expect(throws: Never.self, "\(target), seed \(number)") { try target.check(seed) }
    }
  }

  @Test(arguments: FuzzTarget.allCases)
  func `Inputs that are made of them give no finding`(target: FuzzTarget) throws {
    let seed =
      ProcessInfo.processInfo.environment["FENCELINE_SEED"].flatMap(UInt64.init) ?? 1
    print("\(target): FENCELINE_SEED=\(seed)")
    var mutator = InputMutator(seed: seed)
    var changes = InputMutator(seed: ~seed)
    var inputs = try Self.inputs(of: target).map(\.bytes) + target.seeds()
    let end = ContinuousClock.now + .seconds(1)
    var number = 0
    while ContinuousClock.now < end {
      number += 1
      let place = (seed >> 32 &+ UInt64(number) &* 7919) % UInt64(inputs.count)
      let first = inputs[Int(place)]
      var input = mutator.mutated(first, for: target, mostBytes: 8192) { changes.changeBytes(&$0) }
      if number.isMultiple(of: 4) {
        let second = inputs[number % inputs.count]
        input = mutator.crossed(input, second, for: target, mostBytes: 8192)
      }
      do { try target.check(input) } catch {
        Issue.record("\(target), seed \(seed): \(error): \(Data(input).base64EncodedString())")
        return
      }
      if number.isMultiple(of: 8) { inputs.append(input) }
    }
  }
}
