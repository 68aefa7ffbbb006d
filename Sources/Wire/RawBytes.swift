// The bytes of an array as the readers want them, without losing the type of what they throw.

extension [UInt8] {
    /// `withUnsafeBytes`, whose own signature in the standard library forgets the error's type.
    func withRawBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafeBufferPointer { buffer throws(Failure) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}
