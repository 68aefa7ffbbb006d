// Merge patch (RFC 7396, which replaced RFC 7386): what a PATCH of the API says.

extension JSONValue {
    /// This value as `patch` changes it: `null` removes a member, an object is merged, anything else replaces.
    ///
    /// Members keep their order; new ones come last. Costs what both values have members, so that a patch that removes
    /// everything is not quadratic. Recursion is bounded by the depth of `patch`, which its parser bounded.
    package func merging(_ patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        // RFC 7396 section 2: what is not an object counts as an empty one.
        let target = objectValue ?? JSONObject()
        var result = JSONObject()
        for (key, old) in target.members {
            switch changes[key] {
            case nil: result[key] = old
            case .null?: break
            case let change?: result[key] = old.merging(change)
            }
        }
        for (key, change) in changes.members where !change.isNull && !target.contains(key) {
            // Merged with nothing, and not copied: the nulls within it must go.
            result[key] = JSONValue.null.merging(change)
        }
        return .object(result)
    }
}
