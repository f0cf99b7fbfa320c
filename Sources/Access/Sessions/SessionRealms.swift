/// Numbers for the paths of password files: a session keeps the number.
///
/// There are as many as configurations have named since the start; none is ever forgotten.
struct SessionRealms {
    private(set) var names: [String] = []
    private var numbers: [String: Int32] = [:]

    mutating func number(of name: String) -> Int32 {
        if let number = numbers[name] { return number }
        let number = Int32(names.count)
        names.append(name)
        numbers[name] = number
        return number
    }
}
