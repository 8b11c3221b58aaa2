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
    let pages = try PageTrial(root: place, medium: medium)
    let cases = command.cases(calls, pages)
    let begun = try log.lines().filter { $0.first == "case" }.count
    if begun == 0 {
      for (index, function) in FaultFunction.all.enumerated() {
        try log.append(["calls", function.name, "\(calls[index])", "\(sites[index])"])
      }
      try log.append(["count", "\(cases.count)"] + findings)
    }
    let parent = getppid()
    let share = Array(stride(from: number, to: cases.count, by: command.jobs).map { cases[$0] })
    for next in share.dropFirst(begun) {
      // Nobody is left to be told.
      guard getppid() == parent else { return }
      try log.append(["case", next.name, next.row, next.sort])
      let result =
        switch next {
        case .fault(let fault): try trial.run(fault)
        case .page(let page): try pages.run(page)
        case .memory(let memory): try trial.run(memory)
        }
      try log.append(
        ["end", next.name, "\(result.answer.rawValue)", "\(result.hits)", result.error ?? ""]
          + result.findings
      )
    }
  }
}

/// What a worker runs.
enum TrialCase: Sendable {
  case fault(FaultCase)
  case page(PageCase)
  case memory(MemoryCase)

  var name: String {
    switch self {
    case .fault(let fault): fault.name
    case .page(let page): page.name
    case .memory(let memory): memory.name
    }
  }

  /// Where it is counted.
  var row: String {
    switch self {
    case .fault(let fault): fault.function.name
    case .page(let page): page.way.rawValue
    case .memory: MemoryCase.row
    }
  }

  /// The call, or the way to a page of a file.
  var place: String {
    switch self {
    case .fault(let fault): "\(fault.function.name) \(fault.call)"
    case .page(let page): "\(page.way.rawValue) \(page.file)"
    case .memory(let memory): memory.name
    }
  }

  /// What a sample takes at least one of.
  var sort: String {
    switch self {
    case .fault(let fault): fault.error.rawValue
    case .page(let page): page.file.hasSuffix(".segment") ? "segment" : "index"
    case .memory: FaultError.noMemory.rawValue
    }
  }
}
