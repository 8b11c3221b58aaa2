// swift-tools-version: 6.2
import PackageDescription

/// The settings that every Swift target shares.
let settings: [SwiftSetting] = [
  .strictMemorySafety(),  // SE-0458
  .treatAllWarnings(as: .error),  // SE-0480
  .enableUpcomingFeature("ExistentialAny"),  // SE-0335
  .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
  .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
  .enableUpcomingFeature("InferIsolatedConformances"),  // SE-0470
  .enableUpcomingFeature("ImmutableWeakCaptures"),  // SE-0481
]

let filePath: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser",
  package: "swift-argument-parser"
)

let package = Package(
  name: "fenceline",
  products: [
    .library(name: "Fenceline", targets: ["Fenceline"]),
    .library(name: "IndexExport", targets: ["IndexExport"]),
    .library(name: "CrashLab", targets: ["CrashLab"]),
    .library(name: "fenceline", type: .dynamic, targets: ["FencelineC"]),
    .executable(name: "kvctl", targets: ["kvctl"]),
  ],
  traits: [
    .trait(
      name: "PersistentMemory",
      description:
        "Map DAX files through libpmem; without it a store lives on disks and tmpfs only."
    ),
    .trait(
      name: "Mutants",
      description:
        "Compile faults in that a test can switch on, to show that it finds them; never for use."
    ),
    .default(enabledTraits: ["PersistentMemory"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    // For Tools/bench and Tools/open-cost alone. No product needs it, so packages that depend on this
    // one never see it.
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // The layers, lowest first; dependencies point down only.
    .target(
      name: "CFlush",
      cSettings: [.define("FL_MUTANTS", .when(traits: ["Mutants"]))]
    ),
    .target(name: "CPlatform"),
    .systemLibrary(
      name: "CPMem",
      pkgConfig: "libpmem",
      providers: [.apt(["libpmem-dev"])]
    ),
    .systemLibrary(
      name: "CSQLite",
      pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"])]
    ),
    .target(name: "JournalFormat", swiftSettings: settings),
    .target(
      name: "PersistentMemory",
      dependencies: [
        "CFlush", "CPlatform",
        .target(name: "CPMem", condition: .when(traits: ["PersistentMemory"])),
        filePath,
      ],
      swiftSettings: settings
    ),
    .target(
      name: "Fenceline",
      dependencies: ["JournalFormat", "PersistentMemory", "CFlush", "CPlatform", filePath],
      swiftSettings: settings
    ),
    .target(name: "CFenceline"),
    .target(
      name: "FencelineC",
      dependencies: ["Fenceline", "CFenceline", filePath],
      swiftSettings: settings
    ),
    .target(
      name: "IndexExport",
      dependencies: ["Fenceline", "JournalFormat", "CSQLite", filePath],
      swiftSettings: settings
    ),
    .target(
      name: "CrashLab",
      dependencies: ["Fenceline", "PersistentMemory", "JournalFormat", "CFlush", filePath],
      swiftSettings: settings
    ),
    .target(name: "TextFormats", dependencies: ["CPlatform", filePath], swiftSettings: settings),
    .executableTarget(
      name: "kvctl",
      dependencies: [
        "Fenceline", "IndexExport", "TextFormats", "CPlatform", argumentParser, filePath,
      ],
      swiftSettings: settings
    ),

    // Programs under Tools/.
    .executableTarget(
      name: "demo-writer",
      dependencies: ["Fenceline", filePath],
      path: "Tools/Sources/demo-writer",
      swiftSettings: settings
    ),
    .executableTarget(
      name: "order-cost",
      dependencies: ["Fenceline", filePath],
      path: "Tools/Sources/order-cost",
      swiftSettings: settings
    ),
    .executableTarget(
      name: "group-cost",
      dependencies: ["Fenceline", filePath],
      path: "Tools/Sources/group-cost",
      swiftSettings: settings
    ),
    .executableTarget(
      name: "open-cost",
      dependencies: [
        "Fenceline", "ToolSupport", .product(name: "Histogram", package: "hdrhistogram-swift"),
        argumentParser, filePath,
      ],
      path: "Tools/Sources/open-cost",
      swiftSettings: settings
    ),
    .executableTarget(
      name: "unicode-records",
      dependencies: ["TextFormats", filePath],
      path: "Tools/Sources/unicode-records",
      swiftSettings: settings
    ),
    .executableTarget(
      name: "codegen",
      dependencies: [argumentParser],
      path: "Tools/Sources/codegen",
      swiftSettings: settings
    ),
    .executableTarget(
      name: "bench",
      dependencies: [
        "CPlatform", .product(name: "Histogram", package: "hdrhistogram-swift"), argumentParser,
        filePath,
      ],
      path: "Tools/Sources/bench",
      swiftSettings: settings
    ),

    // The damage tool's machinery, apart from its program so that a test can run a sample of it.
    .target(
      name: "DamageLab",
      dependencies: [
        "CrashLab", "Fenceline", "IndexExport", "PersistentMemory", "JournalFormat", filePath,
      ],
      path: "Tools/Sources/DamageLab",
      swiftSettings: settings
    ),
    // What Tools/fuzz fuzzes, apart from its program so that a test can replay what was found.
    .target(
      name: "FuzzTargets",
      dependencies: [
        "CrashLab", "Fenceline", "PersistentMemory", "JournalFormat", "TextFormats", filePath,
      ],
      path: "Tools/Sources/FuzzTargets",
      swiftSettings: settings
    ),
    .target(
      name: "ToolSupport",
      dependencies: [filePath],
      path: "Tools/Sources/ToolSupport",
      swiftSettings: settings
    ),
    .executableTarget(
      name: "crash-lab",
      dependencies: [
        "CrashLab", "DamageLab", "PersistentMemory", "CFlush", "ToolSupport", argumentParser,
        filePath,
      ],
      path: "Tools/Sources/crash-lab",
      swiftSettings: settings
    ),
    // The C library's functions once more, which fail on demand: nothing but that tool is linked with it.
    .target(name: "FaultLayer", path: "Tools/Sources/fault-layer"),
    .executableTarget(
      name: "faults",
      dependencies: [
        "FaultLayer", "DamageLab", "Fenceline", "IndexExport", "PersistentMemory", "ToolSupport",
        argumentParser, filePath,
      ],
      path: "Tools/Sources/faults",
      swiftSettings: settings
    ),
    .executableTarget(
      name: "dax-vm-guest",
      dependencies: ["CrashLab", "Fenceline", filePath],
      path: "Tools/Sources/dax-vm-guest",
      swiftSettings: settings
    ),
    .executableTarget(
      name: "damage",
      dependencies: ["DamageLab", "ToolSupport", argumentParser, filePath],
      path: "Tools/Sources/damage",
      swiftSettings: settings
    ),

    .executableTarget(
      name: "torture",
      dependencies: [
        "DamageLab", "Fenceline", "PersistentMemory", "CFlush", "FencelineC", "CFenceline",
        "TextFormats", "ToolSupport", argumentParser, filePath,
      ],
      path: "Tools/Sources/torture",
      swiftSettings: settings
    ),

    // Tests, one target per module.
    .target(name: "CFlushTestSupport", dependencies: ["CFlush"], path: "Tests/CFlushTestSupport"),
    .testTarget(
      name: "CFlushTests",
      dependencies: ["CFlush", "CFlushTestSupport"],
      swiftSettings: settings
    ),
    .testTarget(
      name: "TextFormatsTests",
      dependencies: ["TextFormats", filePath],
      swiftSettings: settings
    ),
    .testTarget(
      name: "JournalFormatTests",
      dependencies: ["JournalFormat"],
      swiftSettings: settings
    ),
    .testTarget(
      name: "PersistentMemoryTests",
      dependencies: ["PersistentMemory", "CFlush", "CPlatform", filePath],
      swiftSettings: settings
    ),
    .testTarget(
      name: "IndexExportTests",
      dependencies: ["IndexExport", "Fenceline", "JournalFormat", filePath],
      swiftSettings: settings
    ),
    .testTarget(
      name: "CrashLabTests",
      dependencies: ["CrashLab", "Fenceline", "PersistentMemory", "JournalFormat", filePath],
      swiftSettings: settings
    ),
    .testTarget(
      name: "DamageLabTests",
      dependencies: ["DamageLab", filePath],
      swiftSettings: settings
    ),
    .testTarget(
      name: "FuzzTargetsTests",
      dependencies: ["FuzzTargets"],
      swiftSettings: settings
    ),
    .testTarget(
      name: "KVCtlTests",
      dependencies: ["kvctl", "Fenceline", "IndexExport", filePath],
      swiftSettings: settings
    ),
    .testTarget(
      name: "FencelineTests",
      dependencies: [
        "Fenceline", "PersistentMemory", "JournalFormat", "CFlush", "CPlatform", filePath,
      ],
      swiftSettings: settings
    ),
  ],
  swiftLanguageModes: [.v6]
)

// The fuzzer brings its own `main`, so it can only be linked with `--sanitize=fuzzer`: Tools/fuzz does.
if Context.environment["FENCELINE_FUZZ"] != nil {
  package.targets += [
    .systemLibrary(name: "CLibFuzzer", path: "Tools/Sources/CLibFuzzer"),
    .executableTarget(
      name: "fuzz",
      dependencies: ["FuzzTargets", "CLibFuzzer", filePath],
      path: "Tools/Sources/fuzz",
      swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]
    ),
  ]
}

// A sanitizer makes builds of its own, and most of the package is of no use to it: where the environment
// names test targets, with commas between, they are built with what they depend on and nothing else.
if let wanted = Context.environment["FENCELINE_ONLY_TESTS"] {
  var kept: Set<String> = []
  var open = wanted.split(separator: ",").map(String.init)
  while let name = open.popLast() {
    guard kept.insert(name).inserted,
      let target = package.targets.first(where: { $0.name == name })
    else { continue }
    for dependency in target.dependencies {
      switch dependency {
      case .targetItem(let name, _), .byNameItem(let name, _): open.append(name)
      default: break
      }
    }
  }
  package.targets.removeAll { !kept.contains($0.name) }
  package.products.removeAll()
}
