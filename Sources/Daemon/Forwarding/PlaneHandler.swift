// How the plane stands in the control loop's reactor: one small object for each descriptor, which does not keep it.

import Platform

extension ForwardingPlane {
    final class Handler: ReactorHandler {
        private weak var plane: ForwardingPlane?
        private let act: (ForwardingPlane) -> Void

        init(_ plane: ForwardingPlane, _ act: @escaping (ForwardingPlane) -> Void) {
            self.plane = plane
            self.act = act
        }

        func ready(_ readiness: Readiness) {
            if let plane { act(plane) }
        }
    }
}

/// A value that is made on one thread and then belongs to another alone.
struct HandedOver<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
