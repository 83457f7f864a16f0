// swift-tools-version:6.1
import PackageDescription

// The fuzzer: libFuzzer around the targets of Tests/CorpusTests/Targets, which the ordinary tests run over the corpora.
// Build it with Scripts/fuzz: all Swift code is instrumented by a flag there, and MUSTER_FUZZER names the runtime.

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]
let runtime = Context.environment["MUSTER_FUZZER"] ?? "expected-to-be-built-by-Scripts/fuzz"

let package = Package(
  name: "fuzzing",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "muster", path: ".."),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
  ],
  targets: [
    // A link to Tests/CorpusTests/Targets.
    .target(
      name: "FuzzTargets",
      dependencies: [
        .product(name: "Rooms", package: "muster"), .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "fuzz", dependencies: ["FuzzTargets"], swiftSettings: settings,
      linkerSettings: [.unsafeFlags([runtime, "-lstdc++", "-lm"])]),
  ],
  swiftLanguageModes: [.v6]
)
