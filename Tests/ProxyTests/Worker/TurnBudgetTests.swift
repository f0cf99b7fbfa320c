import Testing

@testable import Proxy

/// What a turn of the loop has for each, and who has it first.
struct TurnBudgetTests {
    /// Begins what `wanted` connections ask for, each as many requests as its share is; answers with the shares.
    private func shares(of wanted: Int, waiting: Int = 0, cost: Int = 1) -> [Int] {
        var budget = TurnBudget()
        budget.renew(waiting: waiting)
        return (0..<wanted).map { position in
            if position >= wanted - waiting { budget.waitingHasTurn() }
            let share = budget.requestShare()
            budget.takeRequests(share * cost)
            return share
        }
    }

    @Test func fewConnectionsHaveAllTheyMay() {
        #expect(shares(of: 4) == [32, 32, 32, 32])
    }

    @Test func whoComesLateInAFullTurnHasALittle() {
        #expect(shares(of: 7) == [32, 32, 32, 32, 2, 2, 2])
    }

    @Test(arguments: [(10, 12), (30, 4), (63, 2), (64, 2), (1000, 2)])
    func thoseWhoWaitShareWhatThereIs(waiting: Int, least: Int) {
        let shares = shares(of: waiting, waiting: waiting)
        #expect(shares.min() == least)
        // Between the first and the last there is a remainder at the most.
        #expect(shares.max()! - least <= 2)
        #expect(shares.reduce(0, +) <= max(TurnBudget.requests, 2 * waiting))
    }

    @Test func newcomersLeaveToThoseWhoWaitWhatIsTheirs() {
        // One that the poller told of, and three that waited.
        #expect(shares(of: 4, waiting: 3) == [32, 32, 32, 32])
        let crowd = shares(of: 16, waiting: 15)
        #expect(crowd[0] == 8)
        #expect(crowd.dropFirst().allSatisfy { $0 == 8 })
    }

    @Test func connectionsToUpstreamsCountToo() {
        #expect(shares(of: 6, cost: 1 + TurnBudget.connect) == [32, 2, 2, 2, 2, 2])
    }

    @Test func everyTurnIsAsLongAsTheFirst() {
        var budget = TurnBudget()
        for _ in 0..<3 {
            budget.renew(waiting: 0)
            #expect(budget.requestShare() == 32)
            #expect(budget.acceptShare() == TurnBudget.accepts)
            let steps = (0..<1000).count { _ in budget.takeHandshake(isNew: false) }
            #expect(steps == TurnBudget.handshakes)
            var expirations = 0
            while budget.hasExpirations {
                budget.takeExpiration()
                expirations += 1
            }
            #expect(expirations == TurnBudget.expirations)
            budget.takeRequests(1000)
            for _ in 0..<1000 { budget.takeAccept() }
            #expect(budget.requestShare() == 2)
            #expect(budget.acceptShare() == TurnBudget.acceptsOfListener)
        }
    }

    @Test func handshakesGoOnInTheOrderInWhichTheyCame() {
        var budget = TurnBudget()
        var line: [Int] = []
        var done: [Int] = []
        var next = 0
        for turn in 0..<12 {
            budget.renew(waiting: line.count)
            // Twelve in each of the first three turns.
            for _ in 0..<(turn < 3 ? 12 : 0) {
                if budget.takeHandshake(isNew: true) { done.append(next) } else { line.append(next) }
                next += 1
            }
            let waiting = line
            line = []
            if !waiting.isEmpty { budget.beginWaiting() }
            for number in waiting {
                if budget.takeHandshake(isNew: false) { done.append(number) } else { line.append(number) }
            }
        }
        #expect(done == Array(0..<36))
        // Nobody waits any more: who comes next goes on at once.
        budget.renew(waiting: 0)
        let goesOn = budget.takeHandshake(isNew: true)
        #expect(goesOn)
    }

    /// Who waited goes on however many streams ended at the events, and so do some of the waits that are over.
    @Test func connectionsThatEndLeaveOthersTheirTurn() {
        var budget = TurnBudget()
        for _ in 0..<3 {
            budget.renew(waiting: 1)
            var endings = 0
            while budget.hasEndings {
                budget.takeEnding()
                endings += 1
            }
            #expect(endings == TurnBudget.endings)
            var expirations = 0
            while budget.hasExpirations {
                budget.takeExpiration()
                expirations += 1
            }
            #expect(expirations == TurnBudget.expirationsAtLeast)
            budget.beginWaiting()
            let goesOn = budget.hasEndings
            #expect(goesOn)
            // One connection's end at once, and the next waits.
            for _ in 0..<100 { budget.takeEnding() }
            let isNext = budget.hasEndings
            #expect(!isNext)
        }
    }
}
