import Bytes
import EventLoop
import Upstream

extension Worker {
    /// Makes groups for the runtime's upstreams. One that didn't change keeps its connections and its health.
    mutating func adoptGroups() {
        let before = groupMap
        var slots: [UInt32] = []
        var kept: Set<UInt32> = []
        for configuration in runtime.model.upstreams {
            let same = before.slots.first { slot in
                !kept.contains(slot) && groups[slot].value.group.configuration == configuration
            }
            if let same {
                kept.insert(same)
                slots.append(same)
            } else if let slot = groups.allocate({ GroupEntry() }) {
                groups[slot].value.group = UpstreamGroup(configuration)
                groups[slot].value.counters = services.metrics.upstream(configuration.name, loop: index)
                slots.append(slot)
            }
        }
        groupMap = GroupMap(number: runtime.number, slots: slots)
        for slot in before.slots where !kept.contains(slot) {
            retire(slot)
            retiredGroups.append(slot)
        }
        freeRetiredGroups()
        apply(services.resolver.names)
    }

    /// Keeps no connections of a group that the configuration no longer has. What runs goes on.
    mutating func retire(_ slot: UInt32) {
        let entry = groups[slot]
        entry.value.group.beginDraining()
        while let idle = entry.value.group.nextDrained() { closeSocket(upstreams[idle.slot]) }
    }

    mutating func apply(_ names: ResolvedNames) {
        for slot in groupMap.slots {
            let entry = groups[slot]
            for orphan in entry.value.group.apply(names) { closeSocket(upstreams[orphan.slot]) }
        }
    }

    /// Gives back the groups of earlier configurations that nobody can use any more. A client keeps the groups of the
    /// configuration that its last request was under, so those that it holds wait for a later reload.
    private mutating func freeRetiredGroups() {
        guard !retiredGroups.isEmpty else { return }
        var used: Set<UInt32> = []
        for slot in 0..<UInt32(clients.slotCount) where clients[slot].value.state != .free {
            if let map = clients[slot].value.groups, map !== groupMap { used.formUnion(map.slots) }
        }
        for slot in 0..<UInt32(upstreams.slotCount) where upstreams[slot].value.state != .free {
            used.insert(upstreams[slot].value.group)
        }
        var waiting: [UInt32] = []
        for slot in retiredGroups {
            if used.contains(slot) { waiting.append(slot) } else { freeGroup(slot) }
        }
        retiredGroups = waiting
    }

    private mutating func freeGroup(_ slot: UInt32) {
        let entry = groups[slot]
        reportLeftOut(entry)
        if entry.value.timer.index != .max { timers.destroy(entry.value.timer) }
        if entry.value.lineTimer.index != .max { timers.destroy(entry.value.lineTimer) }
        entry.value = GroupEntry()
        groups.release(slot)
    }
}
