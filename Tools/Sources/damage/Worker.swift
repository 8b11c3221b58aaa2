// One process's share of the images.

import DamageLab
import Glibc
import SystemPackage

struct Worker {
  let command: DamageCommand
  let plan: DamagePlan
  /// Its own directory.
  let place: FilePath
  let number: Int

  /// Findings of one row that are printed; the rest is counted.
  private static let printedFindings = 5

  /// Checks every image of its share that comes after the one on the board.
  func run(_ board: Board) throws {
    let lab = try DamageLab(plan, in: place, tally: board.tally(of: number))
    let kvctl = command.kvctl.map { KvctlCheck(program: $0, scratch: place) }
    let last = board.current(number)
    var printed: [String: Int] = [:]
    let parent = getppid()
    for index in stride(from: number, to: plan.count, by: command.jobs) where index > last {
      // Nobody is left to be told.
      guard getppid() == parent else { return }
      guard plan.isSampled(index, oneIn: command.sample, seed: command.seed) else { continue }
      let image = plan.image(index)
      var depth = CheckDepth(for: image, number: index)
      let isCommanded =
        !image.kind.isWithinFiles || DamagePlan.isChosen(index, oneIn: 4000, seed: 2)
      if isCommanded, let kvctl {
        depth.usesFiles = true
        depth.command = kvctl.check
      }
      board.setCurrent(number, to: index)
      if let finding = try lab.check(image, depth) {
        let group = image.name.split(separator: "/").prefix(2).joined(separator: "/")
        printed[group, default: 0] += 1
        if printed[group, default: 0] <= Self.printedFindings {
          try FileDescriptor.standardOutput.writeAll(
            "\(image.name): \(finding.description)\n".utf8
          )
        }
      }
      board.setTally(of: number, to: lab.tally)
    }
  }
}
