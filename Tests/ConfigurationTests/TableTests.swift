import ConfigSyntax
import Glibc
import Proxy
import Testing

@testable import Configuration

/// Directives that must run, with something valid to say.
private let running: [(text: String, contexts: String)] = [
    ("user a;", "main"), ("worker_processes auto;", "main"), ("worker_rlimit_nofile 100;", "main"),
    ("worker_shutdown_timeout 1s;", "main"), ("pid a;", "main"), ("error_log a;", "main"), ("daemon off;", "main"),
    ("worker_connections 10;", "events"), ("upstream a { server b; }", "http"), ("keepalive 1;", "upstream"),
    ("keepalive_requests 1;", "upstream http server location"),
    ("keepalive_timeout 1s;", "upstream http server location"),
    ("server_name a;", "server"), ("location /x { return 204; }", "server location"),
    ("return 204;", "server location"),
    ("map $host $a { }", "http"), ("limit_req_zone $host zone=a:1m rate=1r/s;", "http"),
    ("limit_req_status 429;", "http server location"), ("limit_req_log_level info;", "http server location"),
    ("limit_req_dry_run on;", "http server location"), ("add_header a b;", "http server location"),
    ("auth_basic off;", "http server location"), ("auth_basic_user_file a;", "http server location"),
    ("proxy_pass http://127.0.0.1;", "location"), ("proxy_set_header a b;", "http server location"),
    ("proxy_hide_header a;", "http server location"), ("proxy_pass_header a;", "http server location"),
    ("proxy_http_version 1.1;", "http server location"), ("proxy_connect_timeout 1s;", "http server location"),
    ("proxy_send_timeout 1s;", "http server location"), ("proxy_read_timeout 1s;", "http server location"),
    ("proxy_next_upstream off;", "http server location"), ("proxy_next_upstream_tries 1;", "http server location"),
    ("proxy_next_upstream_timeout 1s;", "http server location"), ("proxy_redirect off;", "http server location"),
    ("access_log off;", "http server location"), ("log_format a b;", "http"),
    ("client_max_body_size 1m;", "http server location"), ("client_header_timeout 1s;", "http server"),
    ("client_body_timeout 1s;", "http server location"), ("client_header_buffer_size 1k;", "http server"),
    ("large_client_header_buffers 4 8k;", "http server"), ("max_headers 50;", "http server"),
    ("send_timeout 1s;", "http server location"),
    ("set_real_ip_from 10.0.0.1;", "http server"), ("real_ip_header a;", "http server"),
    ("real_ip_recursive on;", "http server"), ("allow all;", "http server location"),
    ("deny all;", "http server location"), ("server_tokens off;", "http server location"),
    ("ssl_certificate a;", "http server"), ("ssl_certificate_key a;", "http server"),
    ("ssl_protocols TLSv1.3;", "http server"), ("ssl_ciphers a;", "http server"),
    ("ssl_session_cache off;", "http server"), ("ssl_session_timeout 1m;", "http server"),
    ("ssl_session_tickets on;", "http server"), ("satisfy any;", "http server location"),
    ("api_keys a;", "http server location"), ("session on;", "http server location"),
    ("login_form off;", "http server location"), ("device_pairing off;", "http server location"),
    ("auth_failures rate=1r/m;", "http server location"), ("gateway_auth pass;", "http server location"),
    ("public /x;", "server location"), ("state_dir /a;", "main"), ("control unix:/a;", "main"), ("secrets a;", "main"),
    ("permission a scopes=b;", "main"),
]

/// A file with `text` in one context.
private func file(_ text: String, in context: String) -> String {
    switch context {
    case "main": "\(text)\nhttp { }"
    case "events": "events { \(text) }\nhttp { }"
    case "http": "http { \(text) }"
    case "upstream": "http { upstream u { server 127.0.0.1; \(text) } }"
    case "server": "http { server { listen 1; \(text) } }"
    default: "http { server { listen 1; location / { \(text) } } }"
    }
}

struct TableTests {
    @Test(arguments: running)
    func runsWhereItShould(text: String, contexts: String) {
        let allowed = contexts.split(separator: " ").map(String.init)
        for context in ["main", "events", "http", "upstream", "server", "location"] {
            let messages = ConfigurationLoader.load(text: file(text, in: context)).diagnostics.map(\.message)
            let isRefused = messages.contains { $0.contains("not allowed here") }
            let isHoisted = text.hasPrefix("limit_req_zone") && (context == "server" || context == "location")
            // One error log serves all levels; an inner one is noted.
            let isErrorLog = text.hasPrefix("error_log") && context != "events" && context != "upstream"
            #expect(
                isRefused == !(allowed.contains(context) || isHoisted || isErrorLog),
                "\(text) in \(context): \(messages)"
            )
        }
    }

    @Test func everyDirectiveIsDocumentedAndUnique() {
        var seen: Set<String> = []
        for spec in DirectiveTable.families.flatMap(\.directives) {
            #expect(!spec.help.isEmpty && !spec.help.contains("\n"), "\(spec.name)")
            #expect(spec.name == spec.name.lowercased())
            let key = "\(spec.name) \(spec.contexts.rawValue) \(spec.dialects.rawValue)"
            #expect(seen.insert(key).inserted, "\(key) is there twice")
        }
        #expect(seen.count > 200)
    }

    @Test func theReferenceIsUpToDate() throws {
        let path = #filePath.dropLast("Tests/ConfigurationTests/TableTests.swift".count) + "docs/configuration.md"
        if unsafe getenv("POSTERN_UPDATE_GOLDEN") != nil, let file = unsafe fopen(String(path), "w") {
            unsafe fputs(DirectiveReference.markdown, file)
            unsafe fclose(file)
        }
        let bytes = try SystemFileLoader().read(String(path), limit: 1 << 20)
        #expect(
            String(decoding: bytes, as: UTF8.self) == DirectiveReference.markdown,
            "write it anew: postern directives > docs/configuration.md"
        )
    }

    @Test func printsDirectivesForTerminals() {
        let all = DirectiveReference.plain()
        #expect(all.contains("Rate limits\n") && all.contains("    location [=|^~] PATH { … }\n"))
        let one = DirectiveReference.plain(prefix: "proxy_read_timeout")
        #expect(one.contains("default: 60s; native: 1h") && one.contains("in: http, server, location"))
        #expect(DirectiveReference.plain(prefix: "if").contains("instead: use location"))
        #expect(DirectiveReference.plain(prefix: "nonesuch").isEmpty)
    }

    @Test func everyVariableIsInTheReferenceOnce() {
        let names = VariableReference.families.flatMap(\.entries).flatMap(\.names)
        #expect(Set(names).count == names.count)
        let free = names.filter { $0.hasSuffix("_") }
        #expect(Set(names).subtracting(free) == Set(Variable.simple.keys))
        #expect(free.allSatisfy { Variable(named: $0 + "x") != nil } && free.count == 5)
    }

    @Test func printsVariablesForTerminals() {
        let one = DirectiveReference.plain(prefix: "$postern_refusal")
        #expect(one.hasPrefix("$postern_refusal\n    Why ") && one.hasSuffix("\n"))
        #expect(DirectiveReference.plain(prefix: "$http_").hasPrefix("$http_NAME\n"))
        #expect(DirectiveReference.plain(prefix: "$upstream_").split(separator: "\n").count > 6)
        #expect(DirectiveReference.plain(prefix: "$nonesuch").isEmpty)
    }
}
