// The program behind Tools/damage: plans the images, has workers check them, and prints the table.

import ArgumentParser
import DamageLab
import Glibc
import SystemPackage

@main
struct DamageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "damage",
    abstract: "Damage small stores in every way and check every answer.",
    discussion: """
      Ends with status 1 if an answer was wrong, or a process trapped or hung. Every such image is \
      named; the same seed makes it again with --image.
      """
  )

  @Option(help: "What the stores' contents follow from.")
  var seed: UInt64 = 1

  @Option(help: "Worker processes (default: one for each processor).")
  var jobs = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

  @Option(help: "Check one in so many images of the kinds that have many.")
  var sample = 1

  @Option(
    help: ArgumentHelp(
      "Check only this kind; may be given several times. "
        + "Kinds: \(DamageKind.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "kind"
    )
  )
  var only: [DamageKind] = []

  @Option(help: "Check only this store (closed, killed, recovered); may be given several times.")
  var store: [String] = []

  @Option(help: ArgumentHelp("Check one image and keep its files.", valueName: "name"))
  var image: String?

  @Option(
    help: ArgumentHelp(
      "Fail if more than this share of sound answers is refused after damage to one place (0-1).",
      valueName: "share"
    )
  )
  var maximumCollateral: Double?

  @Option(help: "The kvctl that answers for a sample of images.")
  var kvctl: String?

  @Option(help: "An existing directory in memory.")
  var scratch = "/dev/shm"

  @Option(help: .hidden)
  var worker: Int?

  @Option(help: .hidden)
  var directory: String?

  func validate() throws {
    guard jobs > 0, sample > 0 else { throw ValidationError("counts start at 1") }
  }

  func run() throws {
    let directory = FilePath(
      self.directory ?? "\(scratch)/fenceline-damage-\(getpid())"
    )
    try Files.makeDirectory(directory)
    let place = directory.appending("worker-\(worker ?? jobs)")
    try Files.makeDirectory(place)
    let stores = try SampleStore.all(seed: seed, in: place).filter {
      store.isEmpty || store.contains($0.name)
    }
    let plan = DamagePlan(for: stores, kinds: only.isEmpty ? DamageKind.allCases : only)
    if let worker {
      let board = try Board(at: directory.appending("board"), workers: jobs, stores: stores.count)
      try Worker(command: self, plan: plan, place: place, number: worker).run(board)
    } else if let image {
      try show(image, plan, place)
    } else {
      try check(plan, in: directory)
    }
  }

  /// Checks one image.
  private func show(_ name: String, _ plan: DamagePlan, _ place: FilePath) throws {
    guard let number = plan.number(named: name) else {
      throw ValidationError("no image has the name '\(name)'")
    }
    let lab = try DamageLab(plan, in: place)
    let image = plan.image(number)
    let kept = place.appending("image")
    try lab.keep(image, at: kept)
    print("files: \(kept)")
    for usesFiles in [false, true] {
      var depth = CheckDepth()
      depth.usesFiles = usesFiles
      depth.exports = usesFiles
      depth.command = kvctl.map { KvctlCheck(program: $0, scratch: place).check }
      let finding = try lab.check(image, depth)
      print("\(usesFiles ? "files" : "simulated medium"): \(finding?.description ?? "right")")
    }
  }

  /// Has workers check all images.
  private func check(_ plan: DamagePlan, in directory: FilePath) throws {
    let places = (0...jobs).map { directory.appending("worker-\($0)") }
    defer {
      for place in places {
        Files.removeDirectory(place.appending("image"))
        for store in plan.stores { Files.removeDirectory(place.appending(store.name)) }
        Files.removeDirectory(place)
      }
      Files.removeDirectory(directory)
    }
    let board = try Board(
      creating: directory.appending("board"),
      workers: jobs,
      stores: plan.stores.count
    )
    var supervisor = Supervisor(command: self, plan: plan, board: board, directory: directory)
    let failures = try supervisor.run()
    let tally = board.tally()
    Report(plan: plan, tally: tally).print()
    let findings = tally.total(.findings) + failures
    print("\(tally.total(.images)) images, \(findings) findings, seed \(seed)")
    var isTooMuch = false
    if let maximumCollateral {
      for row in Report.singlePlaceRows(stores: plan.stores.count)
      where tally.collateralShare(row) > maximumCollateral {
        print("\(plan.stores[row.store].name) \(row.name): too many sound answers are refused")
        isTooMuch = true
      }
    }
    if findings > 0 || isTooMuch { throw ExitCode(1) }
  }
}

extension DamageKind: ExpressibleByArgument {}
