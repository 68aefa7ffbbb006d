// The reactor: who is called, how often, and who is not called any more.

import Testing

@testable import Platform

@Suite("Reactor")
struct ReactorTests {
    @Test("a ready descriptor calls its handler, and again until it is served")
    func levelTriggered() throws {
        let reactor = try Reactor()
        let bell = try Wakeup()
        let recorder = Recorder()
        _ = try reactor.add(bell.descriptor, interest: .readable, handler: recorder)
        #expect(try reactor.turn(deadline: SystemClock.now()) == 0)
        bell.ring()
        bell.ring()
        #expect(try reactor.turn(deadline: nil) == 1)
        #expect(try reactor.turn(deadline: nil) == 1)
        bell.clear()
        #expect(try reactor.turn(deadline: 0) == 0)
        #expect(recorder.seen == [.readable, .readable])
    }

    @Test("no interest, no call; interest changed back, called")
    func interestChanges() throws {
        let reactor = try Reactor()
        let bell = try Wakeup()
        let recorder = Recorder()
        let place = try reactor.add(bell.descriptor, interest: [], handler: recorder)
        bell.ring()
        #expect(try reactor.turn(deadline: 0) == 0)
        try reactor.modify(place, interest: [.readable, .writable])
        try reactor.turn(deadline: 0)
        #expect(recorder.seen == [[.readable, .writable]])
    }

    @Test("a handler that removes the others during dispatch: none of them is called")
    func removalDuringDispatch() throws {
        let reactor = try Reactor()
        let bells = try (0..<3).map { _ in try Wakeup() }
        let recorders = bells.map { _ in Recorder() }
        var places: [Registration] = []
        for (bell, recorder) in zip(bells, recorders) {
            places.append(try reactor.add(bell.descriptor, interest: .readable, handler: recorder))
            bell.ring()
        }
        for recorder in recorders { recorder.onReady = { _ in places.forEach(reactor.remove) } }
        #expect(try reactor.turn(deadline: nil) == 1)
        #expect(recorders.map(\.seen.count).reduce(0, +) == 1)
        #expect(reactor.count == 0)
    }

    @Test("a slot reused during dispatch: the new handler does not get the old one's event")
    func reuseDuringDispatch() throws {
        let reactor = try Reactor()
        let (first, second, quiet) = (try Wakeup(), try Wakeup(), try Wakeup())
        let late = Recorder()
        var places: [Registration] = []
        let replace: (Readiness) -> Void = { _ in
            places.forEach(reactor.remove)
            _ = try? reactor.add(quiet.descriptor, interest: .readable, handler: late)
            _ = try? reactor.add(Wakeup().descriptor, interest: .readable, handler: late)
        }
        for bell in [first, second] {
            let recorder = Recorder()
            recorder.onReady = replace
            places.append(try reactor.add(bell.descriptor, interest: .readable, handler: recorder))
            bell.ring()
        }
        #expect(try reactor.turn(deadline: nil) == 1)
        #expect(late.seen.isEmpty)
        // A stale registration removes nothing.
        places.forEach(reactor.remove)
        #expect(reactor.count == 2)
    }

    @Test("the budget bounds a turn, and nobody is forgotten")
    func budget() throws {
        let reactor = try Reactor(budget: 4)
        let recorders = (0..<10).map { _ in Recorder() }
        for recorder in recorders {
            let bell = try Wakeup()
            bell.ring()
            _ = try reactor.add(bell.descriptor, interest: .readable, handler: recorder)
        }
        for _ in 0..<3 { #expect(try reactor.turn(deadline: 0) == 4) }
        #expect(recorders.allSatisfy { !$0.seen.isEmpty })
    }

    @Test("hang-ups and errors are reported without any interest")
    func hangups() throws {
        let (left, right) = try streamPair()
        let reactor = try Reactor()
        let recorder = Recorder()
        _ = try reactor.add(left.descriptor, interest: [], handler: recorder)
        right.close()
        #expect(try reactor.turn(deadline: nil) == 1)
        #expect(recorder.seen.first?.contains(.hangup) == true)
    }

    @Test("a timer fires once its time has come, and the reactor's time has moved on")
    func timer() throws {
        let reactor = try Reactor()
        let timer = try Timer()
        let recorder = Recorder()
        _ = try reactor.add(timer.descriptor, interest: .readable, handler: recorder)
        let before = SystemClock.now()
        timer.fire(after: 2000)
        #expect(try reactor.turn(deadline: nil) == 1)
        #expect(reactor.now - before >= 2000)
        timer.clear()
        #expect(try reactor.turn(deadline: 0) == 0)
    }

    @Test("a turn does not end before its deadline")
    func deadlineIsRoundedUp() throws {
        let reactor = try Reactor()
        let deadline = SystemClock.now() + 1500
        try reactor.turn(deadline: deadline)
        #expect(reactor.now >= deadline)
    }
}

/// Two connected Unix streams.
func streamPair() throws -> (StreamSocket, StreamSocket) {
    let scratch = try ScratchDirectory()
    let listener = try StreamListener.unix(UnixListenerSettings(path: scratch.path + "/s", mode: 0o600, group: nil))
    let client = try StreamSocket.connect(toUnixPath: scratch.path + "/s")
    guard case .connection(let server) = listener.accept() else {
        throw PlatformError.malformed(text: "accept", reason: "gave no connection")
    }
    return (client, server)
}
