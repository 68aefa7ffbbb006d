// Names of virtual interfaces and the numbers under which the forwarding table knows them.
//
// A number is never given to another name while the process lives, so a stale snapshot cannot deliver to the wrong interface.

/// Bounded by the number of interfaces ever configured; a NextHop has room for 2^30.
struct VifTable {
    private var numbers: [String: Int] = [:]
    private var names: [String] = []

    var count: Int { numbers.count }

    /// The number of this name, a new one if it has none yet.
    mutating func number(for name: String) -> Int {
        if let number = numbers[name] { return number }
        names.append(name)
        numbers[name] = names.count - 1
        return names.count - 1
    }

    func number(of name: String) -> Int? { numbers[name] }

    func name(of number: Int) -> String? { names.indices.contains(number) ? names[number] : nil }
}
