// One process's share of the cases.

internal import DamageLab
internal import FaultLayer
internal import Glibc
internal import SystemPackage

struct Worker {
  let command: FaultsCommand
  let medium: FaultMedium
  /// Its own directory.
  let place: FilePath
  let number: Int

  func run() throws {
    try Files.makeDirectory(place)
    unsafe fault_watch(place.string)
    let log = Log(path: FilePath(place.string + ".log"))
    let trial = Trial(root: place, medium: medium)
    // The numbers of calls are this process's own to find out, as those before it did.
    let (calls, sites, findings) = try trial.count()
    let cases = command.cases(calls)
    let begun = try log.lines().filter { $0.first == "case" }.count
    if begun == 0 {
      for (index, function) in FaultFunction.all.enumerated() {
        try log.append(["calls", function.name, "\(calls[index])", "\(sites[index])"])
      }
      try log.append(["count", "\(cases.count)"] + findings)
    }
    let parent = getppid()
    let share = Array(stride(from: number, to: cases.count, by: command.jobs).map { cases[$0] })
    for fault in share.dropFirst(begun) {
      // Nobody is left to be told.
      guard getppid() == parent else { return }
      try log.append(["case", fault.name, fault.function.name, fault.error.rawValue])
      let result = try trial.run(fault)
      try log.append(
        ["end", fault.name, "\(result.answer.rawValue)", "\(result.hits)", result.error ?? ""]
          + result.findings
      )
    }
  }
}
