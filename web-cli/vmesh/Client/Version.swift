// The version of this program; the router's own is in `vmesh status`.

enum Version {
    static let text = "0.1.0"
}
