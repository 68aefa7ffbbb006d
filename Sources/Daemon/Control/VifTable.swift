// Names of virtual interfaces and the numbers under which the forwarding table knows them.
//
// There are 64 numbers (`ForwardingPlane.vifLimit`). One is used again after its interface is gone, which is safe
// because the plane publishes new facts when it removes an interface, before the next one is made.

/// Which interface has which number.
struct VifTable {
    private var numbers: [String: Int] = [:]

    var count: Int { numbers.count }

    /// The number of this name, the lowest free one if it has none yet.
    mutating func number(for name: String) -> Int {
        if let number = numbers[name] { return number }
        let taken = Set(numbers.values)
        let number = (0...taken.count).first { !taken.contains($0) } ?? taken.count
        numbers[name] = number
        return number
    }

    mutating func release(_ name: String) { numbers[name] = nil }

    func number(of name: String) -> Int? { numbers[name] }

    func name(of number: Int) -> String? { numbers.first { $0.value == number }?.key }
}
