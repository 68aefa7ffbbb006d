// swift-tools-version: 6.1
// The targets and what each may import; a test holds the sources against this table.
import PackageDescription

let package = Package(
    name: "vmesh",
    products: [
        .executable(name: "vmeshd", targets: ["vmeshd"]),
        .executable(name: "vmesh", targets: ["vmesh"]),
        .executable(name: "vnconfigsign", targets: ["vnconfigsign"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: [
        // Pure: no clock, no randomness, no input or output.
        .target(name: "JSON"),
        .target(name: "Routing", dependencies: [.product(name: "Collections", package: "swift-collections")]),
        .target(
            name: "Wire",
            dependencies: ["JSON", "Routing", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            exclude: ["Proto/vmesh.proto"]),
        .target(name: "Mesh", dependencies: ["Routing", "Wire"]),

        // Engines: bytes in, bytes and events out; no socket.
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "CNghttp2", linkerSettings: [.linkedLibrary("nghttp2")]),
        .target(name: "TLS", dependencies: ["COpenSSL"]),
        .target(name: "HTTP", dependencies: ["CNghttp2"]),

        // Linux.
        .target(name: "CLinux"),
        .target(name: "Platform", dependencies: ["CLinux"]),

        // The words of openapi.yaml, and what is wired of all these.
        .target(name: "ManagementAPI", dependencies: ["JSON", "Routing"]),
        .target(
            name: "Daemon",
            dependencies: [
                "JSON", "Routing", "Wire", "Mesh", "TLS", "HTTP", "Platform", "ManagementAPI",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .executableTarget(name: "vmeshd", dependencies: ["Daemon"]),
        .executableTarget(
            name: "vnconfigsign",
            dependencies: [
                "JSON", "Wire", "TLS", "Platform", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "vmesh",
            dependencies: [
                "JSON", "ManagementAPI", "HTTP", "TLS", "Platform",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "web-cli/vmesh"),

        .testTarget(name: "JSONTests", dependencies: ["JSON"]),
        .testTarget(name: "RoutingTests", dependencies: ["Routing"]),
        .testTarget(name: "WireTests", dependencies: ["JSON", "Routing", "Wire"]),
        .testTarget(name: "MeshTests", dependencies: ["Routing", "Wire", "Mesh"]),
        .testTarget(name: "TLSTests", dependencies: ["TLS"]),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP"]),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"]),
        .testTarget(name: "ManagementAPITests", dependencies: ["JSON", "Routing", "ManagementAPI"]),
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "JSON", "Routing", "Wire", "Mesh", "TLS", "HTTP", "Platform", "ManagementAPI", "Daemon",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(name: "VmeshdTests", dependencies: ["vmeshd", "Daemon"]),
        .testTarget(
            name: "VmeshTests",
            dependencies: [
                "HTTP", "JSON", "ManagementAPI", "vmesh",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .testTarget(name: "HouseTests"),
    ],
    swiftLanguageModes: [.v6]
)
