// swift-tools-version: 6.3

import PackageDescription

// Every target: Swift 6 language mode, strict memory safety, warnings are errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

// The request path crosses module borders at every step, so its small functions must be inlined across them.
let optimized: [SwiftSetting] = [
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))
]

/// `Bytes` alone may return spans from its own types.
let lifetimes: [SwiftSetting] = [.enableExperimentalFeature("Lifetimes")]

let settings = strict + optimized

/// What runs once, or for people, is made small instead: the binary stays under 20 MB.
let small: [SwiftSetting] = strict + [.unsafeFlags(["-Osize"], .when(configuration: .release))]

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: dependencies + ["TestSupport"],
        exclude: exclude,
        swiftSettings: strict
    )
}

let package = Package(
    name: "postern",
    products: [
        .executable(name: "postern", targets: ["postern"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        // What Swift can't import by itself: module maps and inline shims, no logic.
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "CCrypt", pkgConfig: "libcrypt", providers: [.apt(["libcrypt-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CLinux"),

        // The layers, lowest first.
        .target(name: "Bytes", swiftSettings: settings + lifetimes),
        .target(name: "EventLoop", dependencies: ["Bytes", "CLinux"], swiftSettings: settings),
        .target(name: "Crypto", dependencies: ["Bytes", "COpenSSL", "CCrypt"], swiftSettings: settings),
        .target(name: "TLS", dependencies: ["Bytes", "EventLoop", "COpenSSL"], swiftSettings: settings),
        .target(name: "HTTP", dependencies: ["Bytes", "CNGHTTP2"], swiftSettings: settings),
        .target(name: "Limits", dependencies: ["Bytes"], swiftSettings: settings),
        .target(name: "Access", dependencies: ["Bytes", "EventLoop", "Limits", "Crypto"], swiftSettings: settings),
        .target(name: "Store", dependencies: ["EventLoop", "CSQLite"], swiftSettings: small),
        .target(name: "Upstream", dependencies: ["Bytes", "EventLoop", "TLS", "HTTP"], swiftSettings: settings),
        .target(
            name: "Proxy",
            dependencies: [
                "Bytes", "EventLoop", "Crypto", "TLS", "HTTP", "Limits", "Access", "Store", "Upstream", "CLinux",
                "CPCRE2",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(name: "ConfigSyntax", swiftSettings: small),
        .target(
            name: "Configuration",
            dependencies: [
                "Bytes", "ConfigSyntax", "Proxy", "TLS", "Access", "Limits", "HTTP", "Upstream", "EventLoop",
            ],
            swiftSettings: small
        ),
        .target(name: "DemoGateway", dependencies: ["Bytes", "EventLoop", "HTTP", "Crypto"], swiftSettings: small),
        .executableTarget(
            name: "postern",
            dependencies: [
                "Configuration", "ConfigSyntax", "Proxy", "DemoGateway", "Access", "Crypto", "TLS", "Upstream",
                "EventLoop",
                "Bytes", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: small,
            linkerSettings: [
                // Addresses of library functions are looked up at the start, and can't be overwritten later.
                .unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"]),
                .unsafeFlags(["-Xlinker", "--icf=safe"], .when(configuration: .release)),
            ]
        ),

        // Tests mirror the targets; stand-ins live in TestSupport.
        .target(
            name: "TestSupport",
            dependencies: ["Bytes", "EventLoop"],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        tests("Bytes", ["Bytes"]),
        tests("EventLoop", ["EventLoop", "Bytes"]),
        tests("Crypto", ["Crypto", "Bytes"]),
        tests("TLS", ["TLS", "EventLoop", "Bytes"]),
        tests("HTTP", ["HTTP", "Bytes", "CNGHTTP2"]),
        tests("Limits", ["Limits"]),
        tests("Access", ["Access", "EventLoop", "Limits", "Crypto", "Bytes"]),
        tests("Store", ["Store", "EventLoop", "StoreWriter"]),
        // What the tests of `Store` kill.
        .executableTarget(
            name: "StoreWriter",
            dependencies: ["Store"],
            path: "Tests/StoreWriter",
            swiftSettings: strict
        ),
        tests("Upstream", ["Upstream", "EventLoop"]),
        tests(
            "Proxy",
            ["Proxy", "Configuration", "DemoGateway", "TLS", "EventLoop", "HTTP", "Access", "Limits", "Bytes"]
        ),
        tests("ConfigSyntax", ["ConfigSyntax"]),
        tests(
            "Configuration",
            ["Configuration", "ConfigSyntax", "Proxy", "Access", "EventLoop", "Limits", "TLS", "Upstream"],
            exclude: ["Golden"]
        ),
        tests("Postern", ["postern", "Configuration", "ConfigSyntax", "Access", "Proxy", "EventLoop"]),
        // The fuzzer's checks, on the inputs that are kept. Fuzzing itself is Tests/Fuzz/run.sh.
        .testTarget(
            name: "FuzzReplayTests",
            dependencies: ["Configuration", "ConfigSyntax", "Proxy", "Access", "TLS", "HTTP", "EventLoop", "Bytes"],
            path: "Tests/Fuzz",
            exclude: ["Fuzzer", "corpus", "found", "dictionaries", "README.md", "run.sh"],
            sources: ["Checks", "Replay"],
            swiftSettings: strict
        ),
        tests("DemoGateway", ["DemoGateway", "EventLoop", "HTTP", "Bytes"]),
    ]
)
