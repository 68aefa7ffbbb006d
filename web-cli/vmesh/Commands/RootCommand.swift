// The root of the grammar: `vmesh <noun> [verb] [argument…] [flags]`. Nouns are singular; a noun alone lists.

import ArgumentParser
import ManagementAPI

struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vmesh",
        abstract: "Looks at a VMesh router and changes it, over its API.",
        discussion: """
            Global flags may stand anywhere: --api URL (VMESH_API), --token-file FILE (VMESH_TOKEN_FILE, VMESH_TOKEN), \
            -c NAME (VMESH_CONTEXT), --json, -o table|wide|json|name, --no-color (NO_COLOR), --timeout SPAN, -q, -v; \
            for what changes something also --dry-run, --yes, --no-persist, --if-match ETAG.

            Exit status: 0 done, 1 the router or this program failed, 2 usage, 3 cannot connect, 4 not found, \
            5 not allowed, 6 conflict, 7 invalid input, 8 timeout, 9 checked and bad, 130 interrupted.
            """,
        version: Release.version,
        subcommands: [
            StatusCommand.self, WhoamiCommand.self, HealthCommand.self, MetricsCommand.self, ExplainCommand.self,
            PeerCommand.self, RouteCommand.self, FibCommand.self, VifCommand.self, AnnounceCommand.self,
            CertificateCommand.self, PolicyCommand.self, ConfigCommand.self, TokenCommand.self, RawCommand.self,
            ContextCommand.self, CompletionCommand.self, VersionCommand.self,
        ])
}
