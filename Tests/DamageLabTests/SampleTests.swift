// A sample of what Tools/damage does with every bit, and a look at the lab itself: that its stores can
// be made again, and that its judge finds what is wrong.

import DamageLab
import Foundation
import SystemPackage
import Testing

/// A directory of its own in memory, removed afterwards.
private final class Scratch {
  let path = FilePath("/dev/shm/fenceline-test-\(UUID().uuidString)")

  init() throws { try Files.makeDirectory(path) }

  deinit { try? FileManager.default.removeItem(atPath: path.string) }
}

struct SampleTests {
  private static let seed =
    ProcessInfo.processInfo.environment["FENCELINE_SEED"]
    .flatMap(UInt64.init) ?? .random(in: .min ... .max)

  @Test func `No damage of a sample gives a wrong answer`() throws {
    print("damage: FENCELINE_SEED=\(Self.seed)")
    let scratch = try Scratch()
    let plan = DamagePlan(for: try SampleStore.all(seed: Self.seed, in: scratch.path))
    let lab = try DamageLab(plan, in: scratch.path)
    for number in plan.sample(ofEach: 2, seed: Self.seed) {
      let image = plan.image(number)
      let finding = try lab.check(image, CheckDepth(for: image, number: number))
      #expect(finding == nil, "\(image.name), seed \(Self.seed)")
    }
    let tally = lab.tally
    #expect(tally.total(.images) > 100)
    #expect(tally.total(.written) > 0)
    #expect(tally.total(.exports) > 0)
    #expect(tally.total(.damaged) > 0)
    #expect(tally.total(.right) > tally.total(.damaged))
  }

  @Test func `The same seed gives the same stores, another one others`() throws {
    let scratch = try Scratch()
    let first = try SampleStore.all(seed: 5, in: scratch.path)
    let second = try SampleStore.all(seed: 5, in: scratch.path)
    let third = try SampleStore.all(seed: 6, in: scratch.path)
    #expect(first.map(\.files) == second.map(\.files))
    #expect(zip(first, third).allSatisfy { $0.files != $1.files })
    #expect(try Files.names(in: scratch.path) == [])
  }

  @Test func `An image is found again by its name`() throws {
    let scratch = try Scratch()
    let plan = DamagePlan(for: try SampleStore.all(seed: 7, in: scratch.path))
    for number in [0, plan.count / 7, plan.count / 2, plan.count - 1] {
      #expect(plan.number(named: plan.image(number).name) == number)
    }
    #expect(plan.number(named: "closed/flip/00000002.segment/99999.1") == nil)
  }

  @Test func `Bytes that are read wrong are findings`() throws {
    let scratch = try Scratch()
    let stores = try SampleStore.all(seed: 8, in: scratch.path)
    // The files of one store with the history of another: a judge that sleeps would not notice.
    let mistaken = stores[1].judged(by: stores[2].history)
    let plan = DamagePlan(for: [mistaken], kinds: [.flip])
    let lab = try DamageLab(plan, in: scratch.path)
    let finding = try lab.check(plan.image(plan.count - 1))
    #expect(finding?.description.hasPrefix("wrong: ") == true)
    #expect(lab.tally.total(.findings) == 1)
  }

  /// A line of a proven batch and one of the last batch change places.
  ///
  /// The judge once took the proof of the first for a proof of the second, and called the state
  /// before the last batch wrong.
  @Test func `Damage elsewhere proves nothing about the last batch`() throws {
    let scratch = try Scratch()
    let plan = DamagePlan(for: try SampleStore.all(seed: 1, in: scratch.path))
    let lab = try DamageLab(plan, in: scratch.path)
    for lines in ["3:64-3:86", "3:66-3:85"] {
      let name = "killed/swap-lines/00000004.segment/\(lines)"
      let number = try #require(plan.number(named: name))
      #expect(try lab.check(plan.image(number)) == nil)
    }
  }

  /// A put is damaged whose key was deleted later: look-ups refuse it, a salvage knows better.
  ///
  /// The judge once called that a contradiction.
  @Test func `A salvage may be complete where look-ups refuse`() throws {
    let scratch = try Scratch()
    let plan = DamagePlan(for: try SampleStore.all(seed: 100, in: scratch.path))
    let lab = try DamageLab(plan, in: scratch.path)
    let number = try #require(plan.number(named: "closed/flip/00000003.segment/5058.0"))
    var depth = CheckDepth()
    depth.exports = true
    #expect(try lab.check(plan.image(number), depth) == nil)
    #expect(lab.tally.total(.damaged) + lab.tally.total(.collateral) > 0)
  }
}
