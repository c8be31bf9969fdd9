// swift-tools-version: 6.2
import PackageDescription

/// What holds even where memory comes from outside, as in what libFuzzer calls.
let rules: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

/// One set of rules for every target of ours: Swift 6, explicit imports, memory safety checked, no warning left.
let settings: [SwiftSetting] = rules + [.strictMemorySafety()]

/// `Bytes` hands out spans of what it owns, which needs lifetime annotations; no other target declares any.
let lifetimes: [SwiftSetting] = settings + [.enableExperimentalFeature("Lifetimes")]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let nio = ["NIOCore", "NIOPosix", "NIOHTTP1"].map { Target.Dependency.product(name: $0, package: "swift-nio") }
let nioCore = nio[0]
let nioPosix = nio[1]
let nioHTTP1 = nio[2]
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")

/// The functions that `Scripts/fuzz` feeds: a program for libFuzzer when it asks for one, else a test that feeds them what is in the corpus.
let isFuzzing = Context.environment["OPTIREPLAY_FUZZ"] != nil
let fuzzed: [Target.Dependency] = [
  "Bytes", "Configuring", "Disk", "EventAPI", "Grouping", "Normalizing", "Oracles", "Reading", "Vocabulary",
]
let fuzzing: Target =
  isFuzzing
  ? .executableTarget(
    name: "Fuzz", dependencies: fuzzed, path: "Tests/FuzzTests", exclude: ["Corpus", "CorpusTests.swift"],
    swiftSettings: rules)
  : .testTarget(
    name: "FuzzTests", dependencies: fuzzed, exclude: ["Corpus", "Entry.swift"], swiftSettings: settings)

let package = Package(
  name: "optireplay",
  platforms: [.macOS(.v15)],
  products: [.executable(name: "optireplay", targets: ["optireplay"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    // What every stage stands on.
    .target(name: "Vocabulary", swiftSettings: settings),
    .systemLibrary(name: "CSHA1"),
    .systemLibrary(name: "CPrefetch"),
    .target(name: "Bytes", dependencies: ["CPrefetch", "CSHA1"], swiftSettings: lifetimes),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(
      name: "CIsal", pkgConfig: "libisal", providers: [.apt(["libisal-dev"]), .yum(["isa-l-devel"]), .brew(["isa-l"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .yum(["libzstd-devel"]), .brew(["zstd"])]),
    .target(name: "Disk", dependencies: ["Bytes", "CIsal", "CMalloc", "CZstd", "Vocabulary"], swiftSettings: settings),
    .target(name: "EventAPI", dependencies: ["Bytes", "Vocabulary"], swiftSettings: settings),

    // The stages, in the order of the flow. None imports another.
    .target(name: "Reading", dependencies: ["Bytes", "Disk", "Vocabulary"], swiftSettings: settings),
    .target(name: "Normalizing", dependencies: ["Bytes", "EventAPI", "Vocabulary"], swiftSettings: settings),
    .target(name: "Grouping", dependencies: ["Bytes", "Disk", "Vocabulary"], swiftSettings: settings),
    .target(name: "Chunking", dependencies: ["Bytes", "EventAPI", "Vocabulary"], swiftSettings: settings),
    .target(name: "Counting", dependencies: ["Bytes", "Vocabulary"], swiftSettings: settings),
    .target(name: "Checkpointing", dependencies: ["Bytes", "Disk", "Vocabulary", grdb], swiftSettings: settings),
    .target(
      name: "Delivering", dependencies: ["Bytes", "Vocabulary", httpClient, nioCore, nioPosix, nioHTTP1, nioSSL], swiftSettings: settings),
    .target(name: "Reporting", dependencies: ["Bytes", "Counting", "Vocabulary"], swiftSettings: settings),
    .target(
      name: "Sandbox", dependencies: ["Bytes", "Counting", "Disk", "EventAPI", "Vocabulary", grdb] + nio,
      swiftSettings: settings),

    // What a run is told by a file.
    .target(name: "Configuring", dependencies: ["Normalizing", "Vocabulary", yams], swiftSettings: settings),

    // The flow itself, and the command line around it.
    .target(
      name: "Pipeline",
      dependencies: [
        "Bytes", "Disk", "EventAPI", "Reading", "Normalizing", "Grouping", "Chunking", "Counting", "Checkpointing",
        "Delivering", "Reporting", "Sandbox", "Vocabulary", logging,
      ], swiftSettings: settings),
    .executableTarget(
      name: "optireplay",
      dependencies: [
        "Pipeline", "Checkpointing", "Configuring", "Delivering", "Disk", "EventAPI", "Grouping", "Normalizing", "Reporting", "Sandbox",
        "Vocabulary",
        argumentParser, logging, signals,
      ], swiftSettings: settings),

    // Tests, in the same order. What the program is compared with is slow, obvious, and shared.
    .target(name: "Oracles", dependencies: ["Reading", "Vocabulary"], path: "Tests/Oracles", swiftSettings: settings),
    .testTarget(name: "BytesTests", dependencies: ["Bytes", "Oracles"], swiftSettings: settings),
    .testTarget(name: "DiskTests", dependencies: ["Bytes", "Disk", "Vocabulary"], swiftSettings: settings),
    .testTarget(name: "EventAPITests", dependencies: ["Bytes", "EventAPI", "Vocabulary"], swiftSettings: settings),
    .testTarget(name: "ReadingTests", dependencies: ["Bytes", "Disk", "Oracles", "Reading", "Vocabulary"], swiftSettings: settings),
    .testTarget(
      name: "NormalizingTests", dependencies: ["Bytes", "EventAPI", "Normalizing", "Vocabulary"], swiftSettings: settings),
    .testTarget(
      name: "GroupingTests", dependencies: ["Bytes", "Disk", "EventAPI", "Grouping", "Vocabulary"], swiftSettings: settings),
    .testTarget(
      name: "ChunkingTests", dependencies: ["Bytes", "Chunking", "EventAPI", "Vocabulary"], swiftSettings: settings),
    .testTarget(
      name: "CountingTests", dependencies: ["Bytes", "Counting", "EventAPI", "Vocabulary", grdb], swiftSettings: settings),
    .testTarget(name: "ReportingTests", dependencies: ["Counting", "Reporting", "Vocabulary"], swiftSettings: settings),
    .testTarget(name: "CheckpointingTests", dependencies: ["Bytes", "Checkpointing", "Disk", "Vocabulary", grdb], swiftSettings: settings),
    .testTarget(
      name: "DeliveringTests", dependencies: ["Delivering", "Vocabulary"] + nio + [nioSSL], swiftSettings: settings),
    .testTarget(
      name: "SandboxTests", dependencies: ["Bytes", "Counting", "EventAPI", "Sandbox", "Vocabulary", grdb] + nio,
      swiftSettings: settings),
    .testTarget(name: "ConfiguringTests", dependencies: ["Configuring", "Normalizing", "Vocabulary"], swiftSettings: settings),
    .testTarget(
      name: "PipelineTests",
      dependencies: [
        "Checkpointing", "Delivering", "Disk", "EventAPI", "Grouping", "Normalizing", "Pipeline", "Reporting", "Sandbox", "Vocabulary",
        grdb, logging,
      ], swiftSettings: settings),
    .testTarget(name: "optireplayTests", dependencies: ["optireplay", "Vocabulary"], swiftSettings: settings),
    fuzzing,
  ]
)
