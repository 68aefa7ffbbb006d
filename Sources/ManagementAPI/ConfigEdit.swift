// Single edits of the configuration, as the item paths of the API make them.

import JSON
import Routing

/// One edit of the document. Applying the same one twice changes nothing the second time.
package enum ConfigEdit: Sendable, Equatable {
    /// Adds the peer or takes the place of the one with its name (case ignored).
    case putPeer(PeerConfig)
    case removePeer(String)
    case putAnnouncement(AnnouncementConfig)
    case removeAnnouncement(Prefix)
}

extension NodeConfig {
    /// This configuration with the edit made. Unknown members of a replaced part stay with it.
    package func applying(_ edit: ConfigEdit) -> NodeConfig {
        var config = self
        switch edit {
        case .putPeer(var peer):
            if let place = config.peers.firstIndex(where: { Name.areEqual($0.name, peer.name) }) {
                peer.extras = config.peers[place].extras
                config.peers[place] = peer
            } else {
                config.peers.append(peer)
            }
        case .removePeer(let name):
            config.peers.removeAll { Name.areEqual($0.name, name) }
        case .putAnnouncement(var announcement):
            if let place = config.announcements.firstIndex(where: { $0.prefix == announcement.prefix }) {
                announcement.extras = config.announcements[place].extras
                config.announcements[place] = announcement
            } else {
                config.announcements.append(announcement)
            }
        case .removeAnnouncement(let prefix):
            config.announcements.removeAll { $0.prefix == prefix }
        }
        return config
    }
}
