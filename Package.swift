// swift-tools-version:6.1
import PackageDescription

// The arrows of the house: a target depends on rooms of lower floors only.
// `Docs/architecture.md` has the table; `Tests/HouseTests` holds this file to it.

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let bigInt: Target.Dependency = .product(name: "BigInt", package: "BigInt")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdHTTP2: Target.Dependency = .product(name: "HummingbirdHTTP2", package: "hummingbird")
let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioFoundation: Target.Dependency = .product(name: "NIOFoundationCompat", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "muster",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "muster", targets: ["muster"]),
    .executable(name: "muster-device", targets: ["muster-device"]),
    // For Fuzzing/ alone: a promise to nobody else.
    .library(
      name: "Rooms",
      targets: [
        "MusterModel", "Attestation", "CertificateAuthority", "DeviceRegistry", "KeyVault", "Ledger", "Manifests",
        "Policy", "Enrollment", "HTTPService", "ServiceAnswers",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.20.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/attaswift/BigInt", from: "6.0.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // Floor 0: the words everyone speaks.
    .target(name: "MusterModel", dependencies: [crypto], swiftSettings: settings),

    // Shares of a secret, by Botan; of the rooms, KeyVault alone knows it.
    .target(
      name: "CShares", cxxSettings: [.unsafeFlags(["-isystem", "/usr/include/botan-2"])],
      linkerSettings: [.linkedLibrary("botan-2")]),

    // Floor 1: what each trade knows, without storage or network.
    .target(
      name: "CertificateAuthority",
      dependencies: ["MusterModel", "Policy", "Attestation", asn1, x509, crypto, cryptoExtras, bigInt, yams],
      swiftSettings: settings),
    .target(
      name: "KeyVault", dependencies: ["COpenSSL", "CShares", "MusterModel", crypto, cryptoExtras],
      swiftSettings: settings),
    .target(
      name: "Attestation", dependencies: ["COpenSSL", "MusterModel", asn1, x509, crypto, cryptoExtras],
      swiftSettings: settings),
    .target(name: "DeviceRegistry", dependencies: ["MusterModel"], swiftSettings: settings),
    .target(name: "Policy", dependencies: ["MusterModel", "Attestation", crypto, yams], swiftSettings: settings),
    .target(name: "Ledger", dependencies: ["MusterModel", crypto], swiftSettings: settings),
    .target(name: "Manifests", dependencies: ["MusterModel"], swiftSettings: settings),

    // Floor 2: the use cases.
    .target(
      name: "Enrollment",
      dependencies: [
        "MusterModel", "Attestation", "CertificateAuthority", "DeviceRegistry", "KeyVault", "Ledger", "Policy",
      ], swiftSettings: settings),

    .target(
      name: "Publication", dependencies: ["MusterModel", "CertificateAuthority"], swiftSettings: settings),

    .target(
      name: "HubAccess",
      dependencies: ["MusterModel", "CertificateAuthority", "DeviceRegistry", "KeyVault", "Ledger"],
      swiftSettings: settings),

    // What a TPM is asked, for the agent on a device and for the service's own keys.
    .target(name: "TPMCommands", dependencies: ["CTSS", "MusterModel"], swiftSettings: settings),

    // The same of a token behind PKCS #11.
    .target(name: "PKCS11Commands", dependencies: ["CPKCS11", "MusterModel"], swiftSettings: settings),

    // Floor 3: adapters to the world.
    .target(
      name: "SQLiteStore",
      dependencies: [
        "MusterModel", "Attestation", "CertificateAuthority", "DeviceRegistry", "Enrollment", "HubAccess", "KeyVault",
        "Ledger", "Policy", "Publication", "CSQLite", crypto, grdb, grdbSQLite,
      ], swiftSettings: settings),
    .target(
      name: "HTTPService",
      dependencies: [
        "MusterModel", "Attestation", "CertificateAuthority", "DeviceRegistry", "Enrollment", "HubAccess", "KeyVault",
        "Ledger",
        "Policy",
        asn1, x509, crypto, hummingbird, hummingbirdCore, hummingbirdHTTP2, httpTypes, logging, lifecycle,
        nio, nioPosix, nioHTTP1, nioHTTPTypes, nioSSL, nioTLS,
      ], resources: [.embedInCode("openapi.yaml")], swiftSettings: settings),

    .target(name: "TPMDevice", dependencies: ["TPMCommands"], swiftSettings: settings),

    .target(
      name: "TPMKeys", dependencies: ["TPMCommands", "MusterModel", "CertificateAuthority", "KeyVault", crypto],
      swiftSettings: settings),

    .target(
      name: "PKCS11Keys", dependencies: ["PKCS11Commands", "MusterModel", "CertificateAuthority", "KeyVault", crypto],
      swiftSettings: settings),

    // PKCS #11's types and numbers; of the rooms, PKCS11Commands alone knows them.
    .systemLibrary(name: "CPKCS11"),

    // The way to a TPM, from libtss2; of the rooms, TPMCommands alone knows it.
    .systemLibrary(name: "CTSS"),

    // OAEP with a label, CMS and AES key wrap with padding, from OpenSSL; of the rooms, Attestation and KeyVault alone know it.
    .systemLibrary(name: "COpenSSL"),

    // What SQLite is told before it is used; of the rooms, SQLiteStore alone knows it.
    .target(name: "CSQLite", linkerSettings: [.linkedLibrary("sqlite3")]),

    // What the C library's module leaves out.
    .target(name: "CLinux"),

    // Floor 4: wiring.
    .executableTarget(
      name: "muster",
      dependencies: [
        "CLinux", "MusterModel", "Attestation", "CertificateAuthority", "DeviceRegistry", "Enrollment", "HTTPService",
        "HubAccess",
        "KeyVault", "Ledger", "Manifests", "PKCS11Commands", "PKCS11Keys", "Policy", "Publication", "SQLiteStore",
        "TPMCommands",
        "TPMKeys", argumentParser, asn1,
        crypto, httpClient, logging,
        lifecycle, nio, nioFoundation, nioPosix,
        nioHTTP1, nioSSL, unixSignals, x509,
      ], resources: [.embedInCode("Shipped")], swiftSettings: settings),

    // Without the agent, so that it can be fuzzed.
    .target(name: "ServiceAnswers", dependencies: [asn1, crypto, x509], swiftSettings: settings),

    // The agent on a device: of the rooms it knows what it cannot do without, and none of the service's.
    .executableTarget(
      name: "muster-device",
      dependencies: [
        "MusterModel", "PKCS11Commands", "ServiceAnswers", "TPMCommands", "TPMDevice", argumentParser, asn1, crypto,
        httpClient, nio,
        nioFoundation, nioHTTP1, nioSSL,
      ], swiftSettings: settings),

    // For test targets alone: conformance suites of the seams, and what tests share.
    .target(
      name: "MusterTesting",
      dependencies: [
        "MusterModel", "CertificateAuthority", "DeviceRegistry", "Enrollment", "KeyVault", "Ledger", "Policy",
        "Publication", asn1, crypto, x509,
      ], path: "Tests/MusterTesting", swiftSettings: settings),
    .testTarget(
      name: "SQLiteStoreTests",
      dependencies: [
        "MusterTesting", "SQLiteStore", "MusterModel", "CertificateAuthority", "DeviceRegistry", "Enrollment",
        "HubAccess", "KeyVault", "Ledger", "Policy", "Publication", crypto, grdb, grdbSQLite,
      ], swiftSettings: settings),
    .testTarget(
      name: "HTTPServiceTests",
      dependencies: [
        "MusterTesting", "muster", "HTTPService", "MusterModel", "CertificateAuthority", "DeviceRegistry", "Enrollment",
        "HubAccess", "KeyVault", "Ledger", "Policy", "SQLiteStore", crypto, hummingbirdCore, httpTypes, logging,
        lifecycle, nio, nioPosix, nioSSL, yams,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "CorpusTests",
      dependencies: [
        "Attestation", "CertificateAuthority", "DeviceRegistry", "Enrollment", "HTTPService", "KeyVault", "Ledger",
        "Manifests", "MusterModel", "Policy", "ServiceAnswers", crypto, httpTypes,
      ], swiftSettings: settings),
    .testTarget(name: "HouseTests", swiftSettings: settings),
    .testTarget(
      name: "InstanceTests",
      dependencies: [
        "MusterTesting", "muster", "Attestation", "MusterModel", "CertificateAuthority", "DeviceRegistry", "Enrollment",
        "HTTPService", "HubAccess", "KeyVault", "Ledger", "PKCS11Commands", "Policy", "Publication", "SQLiteStore",
        "TPMCommands",
        argumentParser, asn1, crypto, grdb,
        httpTypes,
        hummingbirdCore, lifecycle, logging, nio, nioPosix, nioSSL, x509,
      ], swiftSettings: settings),
    .testTarget(
      name: "ServiceTests",
      dependencies: [
        "MusterTesting", "muster", "muster-device", "ServiceAnswers", "MusterModel", "CertificateAuthority",
        "Enrollment", "HubAccess",
        "KeyVault", "Policy", "SQLiteStore", crypto, httpClient, nio, nioHTTP1, nioSSL, x509, yams,
      ], swiftSettings: settings),
    .testTarget(
      name: "PublicationTests",
      dependencies: ["MusterTesting", "Publication", "CertificateAuthority", "MusterModel", "Policy", crypto],
      swiftSettings: settings),
    .testTarget(
      name: "HubAccessTests",
      dependencies: [
        "MusterTesting", "HubAccess", "MusterModel", "CertificateAuthority", "DeviceRegistry", "KeyVault", "Ledger",
        crypto,
      ], swiftSettings: settings),
    .testTarget(name: "ManifestsTests", dependencies: ["Manifests", "MusterModel"], swiftSettings: settings),
    .testTarget(name: "MusterModelTests", dependencies: ["MusterTesting", "MusterModel"], swiftSettings: settings),
    .testTarget(
      name: "CertificateAuthorityTests",
      dependencies: ["MusterTesting", "CertificateAuthority", "MusterModel", "Policy", asn1, x509, crypto],
      exclude: ["Fixtures"],
      swiftSettings: settings),
    .testTarget(
      name: "LedgerTests", dependencies: ["MusterTesting", "Ledger", "MusterModel", crypto], swiftSettings: settings),
    .testTarget(
      name: "AttestationTests",
      dependencies: ["MusterTesting", "Attestation", "MusterModel", asn1, x509, crypto, cryptoExtras],
      swiftSettings: settings),
    .testTarget(
      name: "DeviceRegistryTests", dependencies: ["MusterTesting", "DeviceRegistry", "MusterModel"],
      swiftSettings: settings),
    .testTarget(
      name: "EventVectorTests",
      dependencies: [
        "SQLiteStore", "Attestation", "MusterModel", "CertificateAuthority", "DeviceRegistry", "KeyVault", "Ledger",
        "Policy", crypto, grdb,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "KeyVaultTests", dependencies: ["MusterTesting", "KeyVault", "MusterModel", crypto], swiftSettings: settings
    ),
    .testTarget(
      name: "KeyKeeperTests",
      dependencies: [
        "MusterTesting", "PKCS11Commands", "PKCS11Keys", "TPMCommands", "TPMDevice", "TPMKeys", "CertificateAuthority",
        "KeyVault", "MusterModel", crypto,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "PolicyTests", dependencies: ["MusterTesting", "Attestation", "MusterModel", "Policy"],
      swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
